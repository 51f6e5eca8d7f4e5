//! Names that look like a Korean shop's: malls, products, referring domains. All from a number.

const FOR_WHOM: [&str; 10] =
    ["여성", "남성", "남녀공용", "키즈", "주니어", "임산부", "빅사이즈", "커플", "데일리", "시니어"];
const FEEL: [&str; 14] = [
    "오버핏",
    "슬림핏",
    "루즈핏",
    "크롭",
    "하이웨스트",
    "와이드",
    "빈티지",
    "베이직",
    "프리미엄",
    "캐주얼",
    "모던",
    "러블리",
    "시스루",
    "기모",
];
const CLOTH: [&str; 14] = [
    "린넨",
    "코튼",
    "데님",
    "니트",
    "트위드",
    "울",
    "캐시미어",
    "시폰",
    "쉬폰",
    "레이온",
    "코듀로이",
    "새틴",
    "플리스",
    "텐셀",
];
const PIECE: [&str; 20] = [
    "셔츠",
    "블라우스",
    "원피스",
    "가디건",
    "자켓",
    "코트",
    "슬랙스",
    "팬츠",
    "스커트",
    "티셔츠",
    "맨투맨",
    "후드집업",
    "점퍼",
    "베스트",
    "머플러",
    "에코백",
    "크로스백",
    "로퍼",
    "스니커즈",
    "귀걸이",
];
const COLOUR: [&str; 12] = [
    "아이보리",
    "블랙",
    "네이비",
    "베이지",
    "차콜",
    "소라",
    "카키",
    "버건디",
    "민트",
    "라벤더",
    "머스타드",
    "화이트",
];
/// Endings that break careless quoting.
const ODD: [&str; 8] = [
    " \"한정판\"",
    " A&B 콜라보",
    ", 2종 택1",
    " <신상>",
    " 5'6\" 핏",
    " 100% 국내생산",
    " 🎁증정",
    " [1+1] / 무료배송",
];

const FIRST: [&str; 20] = [
    "hanbit", "seoul", "moon", "narae", "haneul", "bada", "dalbit", "sarang", "mirae", "gaon", "duri",
    "areum", "byeol", "jeju", "onnuri", "noeul", "sol", "maru", "danbi", "yeoul",
];
const SECOND: [&str; 12] =
    ["", "mall", "bag", "shop", "wear", "style", "house", "room", "market", "lab", "studio", "closet"];

/// Visits without a referring domain, as the API calls them.
pub(crate) const NO_DOMAIN: &str = "참조 도메인 없음";
/// Visits by no advertising channel, as the API calls them.
pub(crate) const NO_CHANNEL: &str = "채널 없음";

const DOMAINS: [&str; 36] = [
    NO_DOMAIN,
    "search.naver.com",
    "m.search.naver.com",
    "google.com",
    "instagram.com",
    "m.facebook.com",
    "l.instagram.com",
    "search.daum.net",
    "m.shopping.naver.com",
    "shopping.naver.com",
    "blog.naver.com",
    "m.blog.naver.com",
    "cafe.naver.com",
    "facebook.com",
    "youtube.com",
    "m.youtube.com",
    "t.co",
    "pinterest.co.kr",
    "link.kakao.com",
    "story.kakao.com",
    "m.search.daum.net",
    "search.zum.com",
    "bing.com",
    "post.naver.com",
    "in.naver.com",
    "brunch.co.kr",
    "tistory.com",
    "threads.net",
    "band.us",
    "dcinside.com",
    "ruliweb.com",
    "clien.net",
    "theqoo.net",
    "nate.com",
    "search.yahoo.co.jp",
    "eclick.cafe24.com",
];

const ADS: [&str; 9] = [
    NO_CHANNEL,
    "네이버 검색광고",
    "네이버 쇼핑검색",
    "카카오모먼트",
    "구글 애즈",
    "메타",
    "크리테오",
    "틱톡",
    "당근 비즈니스",
];

/// How many advertising channels there are.
pub(crate) const AD_CHANNELS: u64 = ADS.len() as u64;

/// The mall with that number, different for each number.
pub(crate) fn mall_id(number: usize) -> String {
    let first = FIRST[number % FIRST.len()];
    let second = SECOND[(number / FIRST.len()) % SECOND.len()];
    match number / (FIRST.len() * SECOND.len()) {
        0 => format!("{first}{second}"),
        round => format!("{first}{second}{}", round + 1),
    }
}

/// A product's name; one in forty has characters that need quoting somewhere.
pub(crate) fn product(mut hash: u64) -> String {
    let mut pick = |words: &[&'static str]| {
        let len = words.len() as u64;
        let index = usize::try_from(hash % len).unwrap_or(0);
        hash /= len;
        words.get(index).copied().unwrap_or_default()
    };
    let (whom, feel, cloth) = (pick(&FOR_WHOM), pick(&FEEL), pick(&CLOTH));
    let (piece, colour, odd) = (pick(&PIECE), pick(&COLOUR), pick(&ODD));
    let ending = if hash.is_multiple_of(40) { odd } else { "" };
    format!("{whom} {feel} {cloth} {piece} {colour}{ending}")
}

/// The domain with that rank, `None` past the last.
pub(crate) fn domain(rank: usize) -> Option<&'static str> {
    DOMAINS.get(rank).copied()
}

/// What people search for, different for each rank.
pub(crate) fn keyword(rank: u64) -> String {
    let of = |words: &[&'static str], at: u64| {
        usize::try_from(at).ok().and_then(|at| words.get(at % words.len())).copied().unwrap_or_default()
    };
    let (pieces, cloths) = (PIECE.len() as u64, CLOTH.len() as u64);
    let (piece, cloth) = (of(&PIECE, rank), of(&CLOTH, rank / pieces));
    match rank / (pieces * cloths) {
        0 => format!("{cloth} {piece}"),
        round => format!("{cloth} {piece} {}", round + 1),
    }
}

/// The advertising channel with that rank.
pub(crate) fn ad(rank: u64) -> &'static str {
    usize::try_from(rank).ok().and_then(|rank| ADS.get(rank)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn mall_ids_are_distinct_and_fit_a_host_name() {
        let ids: HashSet<_> = (0..2000).map(mall_id).collect();
        assert_eq!(ids.len(), 2000);
        assert!(ids.iter().all(|id| id.len() <= 40 && id.bytes().all(|b| b.is_ascii_alphanumeric())));
    }

    #[test]
    fn keywords_are_distinct() {
        let keywords: HashSet<_> = (0..600).map(keyword).collect();
        assert_eq!(keywords.len(), 600);
    }

    #[test]
    fn product_names_are_korean_and_never_blank() {
        for number in 0..500_u64 {
            let name = product(number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            assert!(name.chars().any(|c| ('가'..='힣').contains(&c)), "{name}");
        }
    }
}
