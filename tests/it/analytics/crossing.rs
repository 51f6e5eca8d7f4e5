//! An analyst of one agency against the rows of the other, everywhere he may look.

use tests::harness::{Context as _, Result};

use super::{Agencies, HANOK, SEJONG, Session};

/// Relations of every schema that the session may read anything of, with the column that names the mall if there is one.
async fn readable(session: &Session) -> Result<Vec<(String, bool)>> {
    let sql = "SELECT format('%I.%I', n.nspname, c.relname), \
                      EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'mall_id') \
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
                  AND has_any_column_privilege(c.oid, 'SELECT') ORDER BY 1";
    let rows = session.client.query(sql, &[]).await.context(sql)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

#[tokio::test]
async fn x04_every_object_shows_all_rows_of_ones_own_malls_and_none_of_others() -> Result<()> {
    let agencies = Agencies::start().await?;
    let (hanok, sejong) = (agencies.reader("hanok", None).await?, agencies.reader("sejong", None).await?);
    let objects = readable(&hanok).await?;
    let seen: Vec<&str> = objects.iter().map(|(name, _)| name.as_str()).collect();
    for view in [
        "coverage",
        "daily_ads",
        "daily_domains",
        "daily_keywords",
        "daily_products",
        "daily_store",
        "freshness",
        "products",
        "restatements",
    ] {
        assert!(seen.contains(&format!("analytics.{view}").as_str()), "{view} is not in {seen:?}");
    }
    for (object, names_malls) in &objects {
        if !names_malls {
            assert_eq!(object, "public.domain_groups", "what is this?");
            continue;
        }
        for (session, own) in [(&hanok, HANOK), (&sejong, SEJONG)] {
            assert_eq!(session.malls_in(object).await?, own, "{object}");
            let count = format!("SELECT count(mall_id) FROM {object}");
            let all = format!("{count} WHERE mall_id = ANY ('{{{}}}')", own.join(","));
            assert_eq!(session.number(&count).await?, agencies.world.db.number(&all).await?, "{object}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn x04_what_is_not_for_analysts_is_refused_table_by_table() -> Result<()> {
    let agencies = Agencies::bare().await?;
    let session = agencies.reader("hanok", None).await?;
    let readable: Vec<String> = readable(&session).await?.into_iter().map(|(name, _)| name).collect();
    let sql = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                WHERE n.nspname IN ('public', 'analytics') AND c.relkind IN ('r', 'p', 'v', 'm')";
    let rows = agencies.world.db.client().query(sql, &[]).await.context(sql)?;
    let mut refused = 0;
    for row in rows {
        let object: String = row.get(0);
        session.client.batch_execute("SET default_transaction_read_only = off").await.context("set")?;
        if !readable.contains(&object) {
            let code = session.refusal(&format!("SELECT count(*) FROM {object}")).await;
            assert_eq!(code.as_deref(), Some("42501"), "SELECT of {object}");
            refused += 1;
        }
        for write in [
            format!("DELETE FROM {object}"),
            format!("TRUNCATE {object}"),
            format!("INSERT INTO {object} DEFAULT VALUES"),
            format!("DO $$ BEGIN LOCK TABLE {object} IN ACCESS EXCLUSIVE MODE; END $$"),
        ] {
            let code = session.refusal(&write).await;
            // A view that joins cannot be written to, whoever asks.
            let no = ["42501", "55000", "42809"];
            assert!(code.as_deref().is_some_and(|code| no.contains(&code)), "{write}: {code:?}");
        }
        if let Some((_, column)) = first_column(&agencies, &object).await? {
            let update = format!("UPDATE {object} SET {column} = {column}");
            let code = session.refusal(&update).await;
            assert!(matches!(code.as_deref(), Some("42501" | "55000")), "{update}: {code:?}");
        }
    }
    // Tokens, jobs, letters, the audit log, and all others that are there now and later.
    assert!(refused >= 20, "{refused}");
    for make in [
        "CREATE TABLE public.mine (x int)",
        "CREATE VIEW analytics.mine AS SELECT 1 AS x",
        "CREATE SCHEMA mine",
    ] {
        assert_eq!(session.refusal(make).await.as_deref(), Some("42501"), "{make}");
    }
    Ok(())
}

async fn first_column(agencies: &Agencies, object: &str) -> Result<Option<(String, String)>> {
    let sql = "SELECT attrelid::regclass::text, quote_ident(attname) FROM pg_attribute \
               WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = '' \
               ORDER BY attnum LIMIT 1";
    let row = agencies.world.db.client().query_opt(sql, &[&object]).await.context(sql)?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

#[tokio::test]
async fn x04_who_is_no_reader_sees_nothing_though_he_may_look() -> Result<()> {
    let agencies = Agencies::start().await?;
    let session = agencies.reader("hanok", None).await?;
    assert!(session.number("SELECT count(*) FROM analytics.daily_store").await? > 0);
    agencies.world.cli(&["db", "grants", "--revoke", session.role.name()]).await?.success()?;
    // The same session, from its next statement on.
    for view in [
        "daily_store",
        "daily_products",
        "daily_domains",
        "daily_keywords",
        "freshness",
        "coverage",
        "products",
        "restatements",
    ] {
        assert_eq!(session.number(&format!("SELECT count(*) FROM analytics.{view}")).await?, 0, "{view}");
    }
    Ok(())
}

#[tokio::test]
async fn x04_a_later_role_of_the_same_name_is_another_reader() -> Result<()> {
    let agencies = Agencies::start().await?;
    let mut session = agencies.reader("hanok", None).await?;
    let name = session.role.name().to_owned();
    agencies.sql(&format!("DROP ROLE {name}; CREATE ROLE {name} LOGIN IN ROLE cafe24_analyst")).await?;
    (session.client, session.connection) = session.role.connect().await?;
    assert_eq!(session.number("SELECT count(*) FROM analytics.daily_store").await?, 0);
    let said = agencies.world.cli(&["db", "grants"]).await?;
    assert!(said.stdout.contains("another role of that name"), "{}", said.stdout);
    agencies.grant(&session.role, "hanok", None).await?;
    (session.client, session.connection) = session.role.connect().await?;
    assert_eq!(session.malls_in("analytics.daily_store").await?, HANOK);
    Ok(())
}

#[tokio::test]
async fn x04_one_connection_that_serves_many_readers_keeps_no_agency() -> Result<()> {
    // As a pooler does that logs in once and becomes whoever it serves: it is no reader itself, so nobody sees anything.
    let agencies = Agencies::start().await?;
    let (hanok, sejong) = (agencies.reader("hanok", None).await?, agencies.reader("sejong", None).await?);
    let pooler = tests::harness::TestRole::named(&agencies.world.db, "pooler");
    let (one, two) = (hanok.role.name(), sejong.role.name());
    agencies
        .sql(&format!(
            "CREATE ROLE {} LOGIN NOINHERIT; GRANT {one}, {two} TO {}",
            pooler.name(),
            pooler.name()
        ))
        .await?;
    let (client, _connection) = pooler.connect().await?;
    for turn in 0..50 {
        let become_one = if turn % 2 == 0 { one } else { two };
        client.batch_execute(&format!("SET ROLE {become_one}")).await.context("set role")?;
        let row =
            client.query_one("SELECT count(*) FROM analytics.daily_store", &[]).await.context("count")?;
        assert_eq!(row.get::<_, i64>(0), 0, "{become_one}");
    }
    Ok(())
}
