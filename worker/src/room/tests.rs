use common::domain::extra::{Extras, json};
use common::domain::metric::Values;
use tokio::time::{Instant, sleep};

use super::*;

const WAIT: Duration = Duration::from_millis(50);
/// Much longer than anything here takes, unless it stands still.
const FOR_EVER: Duration = Duration::from_secs(20);

fn rows(count: u32) -> Vec<MetricRow> {
    let row = |id: u32| MetricRow {
        day: chrono::NaiveDate::default(),
        entity_id: id.to_string(),
        values: Values::default(),
        label: None,
        extra: None,
    };
    (0..count).map(row).collect()
}

/// A worker with nothing but slots and room; its tasks do what the runner's do.
struct Floor {
    slots: Semaphore,
    rooms: Rooms,
}

impl Floor {
    fn new(slots: usize, rows: u32) -> Self {
        Self { slots: Semaphore::new(slots), rooms: Rooms::new(rows) }
    }

    /// One request, with the slot that it needs: `rows` of an answer that goes on.
    async fn page(&self, held: Option<OwnedSemaphorePermit>, count: u32) -> Option<OwnedSemaphorePermit> {
        let _slot = self.slots.acquire().await.expect("open");
        self.rooms.unfinished(held, &rows(count), WAIT).await
    }

    /// The last request of an answer with `count` rows, and its commit a while later.
    async fn last(&self, held: Option<OwnedSemaphorePermit>, count: u32) {
        let slot = self.slots.acquire().await.expect("open");
        let room = self.rooms.whole(&rows(count)).await;
        assert!(room.is_some());
        drop((held, slot));
        sleep(Duration::from_millis(1)).await;
    }

    /// An answer of so many pages, begun until it is whole. How often it was begun.
    async fn answer(&self, pages: u32, page: u32) -> u32 {
        let mut begun = 0;
        'begin: loop {
            begun += 1;
            let mut held = None;
            for so_far in 1..pages {
                held = self.page(held, so_far * page).await;
                if held.is_none() {
                    sleep(WAIT).await;
                    continue 'begin;
                }
            }
            self.last(held, pages * page).await;
            return begun;
        }
    }

    fn is_empty(&self) -> bool {
        [&self.rooms.whole, &self.rooms.unfinished]
            .iter()
            .all(|room| room.free.available_permits() == room.size as usize)
    }
}

#[tokio::test]
async fn one_slot_serves_a_large_mall_with_pages_and_a_small_one() {
    let floor = Floor::new(1, 20);
    let small = async {
        for _ in 0..200 {
            floor.last(None, 1).await;
        }
    };
    // Its pages are more rows than there is room for.
    let both = async { tokio::join!(floor.answer(40, 1), small) };
    let (begun, ()) = timeout(FOR_EVER, both).await.expect("nobody stands still");
    assert_eq!(begun, 1, "nobody else has pages: it never has to give way");
    assert!(floor.is_empty());
}

#[tokio::test]
async fn an_answer_of_more_pages_than_there_is_room_for_leaves_the_slots_to_others() {
    let floor = Floor::new(4, 2_000);
    let mut held = None;
    for pages in 1..=110 {
        held = floor.page(held, pages * 20).await;
        assert!(held.is_some(), "page {pages}");
    }
    // Half fetched, it has all the room there is for such; whole answers fill all slots, again and again.
    assert_eq!(floor.rooms.unfinished.free.available_permits(), 0);
    let others = futures::future::join_all((0..40).map(|_| floor.last(None, 1)));
    timeout(FOR_EVER, others).await.expect("whole answers wait for commits alone");
    timeout(FOR_EVER, floor.last(held, 111 * 20)).await.expect("it goes alone");
    assert!(floor.is_empty());
}

#[tokio::test]
async fn many_half_fetched_answers_all_end() {
    let floor = Floor::new(2, 40);
    let large = futures::future::join_all((0..6).map(|_| floor.answer(8, 1)));
    let small = futures::future::join_all((0..50).map(|_| floor.last(None, 1)));
    timeout(FOR_EVER, async { tokio::join!(large, small) }).await.expect("nobody stands still");
    assert!(floor.is_empty());
}

#[tokio::test]
async fn a_first_page_without_room_gives_up_too() {
    let rooms = Rooms::new(20);
    let held = rooms.unfinished(None, &rows(10), WAIT).await;
    let began = Instant::now();
    assert!(rooms.unfinished(None, &rows(1), WAIT).await.is_none());
    assert!(began.elapsed() >= WAIT);
    drop(held);
    assert!(rooms.unfinished(None, &rows(1), WAIT).await.is_some());
}

#[tokio::test]
async fn each_page_adds_to_the_room_that_is_held_and_all_of_it_comes_back() {
    let rooms = Rooms::new(20);
    let first = rooms.unfinished(None, &rows(4), WAIT).await;
    let second = rooms.unfinished(first, &rows(7), WAIT).await;
    assert_eq!(rooms.unfinished.free.available_permits(), 3);
    // Begun again: it keeps what it had.
    let third = rooms.unfinished(second, &rows(0), WAIT).await;
    assert_eq!(rooms.unfinished.free.available_permits(), 3);
    drop(third);
    assert_eq!(rooms.unfinished.free.available_permits(), 10);
}

#[tokio::test]
async fn who_gives_up_lets_go_and_the_other_goes_on() {
    let rooms = Rooms::new(20);
    let one = rooms.unfinished(None, &rows(5), WAIT).await;
    let other = rooms.unfinished(None, &rows(5), WAIT).await;
    let (more, patient) = (rows(8), WAIT * 20);
    let (one, other) =
        tokio::join!(rooms.unfinished(one, &more, WAIT), rooms.unfinished(other, &more, patient));
    assert!(one.is_none() && other.is_some());
}

#[tokio::test]
async fn a_whole_answer_waits_until_a_commit_makes_room() {
    let rooms = Rooms::new(10);
    let held = rooms.whole(&rows(5)).await;
    let wanted = rows(3);
    let commit = async {
        sleep(WAIT * 10).await;
        drop(held);
    };
    let (taken, ()) = tokio::join!(rooms.whole(&wanted), commit);
    assert!(taken.is_some());
}

#[test]
fn a_row_with_much_beside_its_columns_counts_as_several() {
    let mut extras = Extras::default();
    for name in ["a", "b", "c", "d"] {
        extras.keep_unknown(name.to_owned(), json(&"x".repeat(200)));
    }
    let mut rows = rows(2);
    rows[0].extra = extras.finish().0;
    assert_eq!(weight(&rows), 2 + 3);
}
