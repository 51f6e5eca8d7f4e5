//! What a reader might try who knows Postgres well.

use serde_json::Value;
use tests::harness::{Context as _, Result, TestRole};

use super::{Agencies, HANOK};

#[tokio::test]
async fn x04_no_setting_and_no_role_makes_a_reader_another_one() -> Result<()> {
    let agencies = Agencies::start().await?;
    let session = agencies.reader("hanok", None).await?;
    let other = agencies.reader("sejong", None).await?;
    for set in [
        "SET app.agency = 'sejong'",
        "SET search_path = pg_temp, public, analytics",
        "SET ROLE cafe24_analyst",
        "SET enable_indexscan = off; SET enable_bitmapscan = off",
        "SET enable_seqscan = off",
        "SET plan_cache_mode = force_generic_plan",
    ] {
        session.client.batch_execute(set).await.with_context(|| set.to_owned())?;
        for object in
            ["analytics.daily_store", "analytics.freshness", "analytics.coverage", "public.metrics_daily"]
        {
            assert_eq!(session.malls_in(object).await?, HANOK, "{object} after {set}");
        }
    }
    session.client.batch_execute("SET default_transaction_read_only = off").await.context("set")?;
    for set in [
        format!("SET ROLE {}", other.role.name()),
        format!("SET SESSION AUTHORIZATION {}", other.role.name()),
        "SET ROLE cafe24_producer".to_owned(),
        "SET ROLE cafe24_worker".to_owned(),
        "SET ROLE postgres".to_owned(),
        "GRANT cafe24_producer TO CURRENT_USER".to_owned(),
        "ALTER TABLE public.metrics_daily DISABLE ROW LEVEL SECURITY".to_owned(),
        "DROP POLICY readers ON public.metrics_daily".to_owned(),
        "UPDATE public.readers SET agency_id = 'sejong'".to_owned(),
    ] {
        assert_eq!(session.refusal(&set).await.as_deref(), Some("42501"), "{set}");
    }
    // Without the rules there is no answer at all, instead of all rows.
    session.client.batch_execute("RESET ROLE; SET row_security = off").await.context("set")?;
    let code = session.refusal("SELECT * FROM public.metrics_daily").await;
    assert_eq!(code.as_deref(), Some("42501"));
    Ok(())
}

#[tokio::test]
async fn x04_functions_that_tell_what_they_are_shown_are_shown_nothing_of_others() -> Result<()> {
    let agencies = Agencies::start().await?;
    let session = agencies.reader("hanok", None).await?;
    // Cheaper than any rule, so that a planner that may choose runs it first; it ends the statement on another's row.
    session.client.batch_execute("SET default_transaction_read_only = off").await.context("set")?;
    let leak = "CREATE FUNCTION pg_temp.tell(mall text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS \
        $$ BEGIN IF mall NOT IN ('hanbit', 'narae') THEN RAISE EXCEPTION 'saw %', mall; END IF; RETURN true; END $$";
    session.client.batch_execute(leak).await.context("a function")?;
    for object in [
        "analytics.daily_store",
        "analytics.daily_products",
        "analytics.daily_domains",
        "analytics.freshness",
        "analytics.coverage",
        "public.metrics_daily",
        "public.slices",
        "public.products",
    ] {
        let told = format!("SELECT count(mall_id) FROM {object} WHERE pg_temp.tell(mall_id)");
        assert!(session.number(&told).await? > 0, "{object}");
        // The same by an error that names the value, or comes only if there is a row.
        for probe in [
            format!(
                "SELECT count(mall_id) FROM {object} WHERE 1 / (CASE WHEN mall_id IN ('moonlit', 'seoulbag') THEN 0 ELSE 1 END) = 1"
            ),
            format!(
                "SELECT count(mall_id) FROM {object} WHERE mall_id IN ('moonlit', 'seoulbag') AND mall_id::integer > 0"
            ),
        ] {
            assert_eq!(session.refusal(&probe).await, None, "{probe}");
        }
    }
    for call in [
        "SELECT count(*) FROM public.visible_freshness('moonlit')",
        "SELECT count(*) FROM public.visible_slices('moonlit')",
        "SELECT count(*) FROM analytics.calendar_gaps('moonlit', '2025-01-01', '2025-12-31')",
        "SELECT count(*) FROM unnest(public.visible_malls()) AS mall WHERE mall IN ('moonlit', 'seoulbag')",
        "SELECT count(*) FROM public.visible_series() WHERE mall_id IN ('moonlit', 'seoulbag')",
    ] {
        assert_eq!(session.number(call).await?, 0, "{call}");
    }
    // Objects of one's own with the names of ours do not stand in for them.
    let decoy = "CREATE FUNCTION pg_temp.visible_malls() RETURNS text[] LANGUAGE sql AS $$ SELECT '{moonlit}'::text[] $$; \
                 CREATE TEMP TABLE connectors (mall_id text, agency_id text); SET search_path = pg_temp, public";
    session.client.batch_execute(decoy).await.context("decoys")?;
    assert_eq!(session.malls_in("analytics.daily_store").await?, HANOK);
    Ok(())
}

#[tokio::test]
async fn x04_neither_statistics_nor_plans_tell_figures_of_others() -> Result<()> {
    let agencies = Agencies::start().await?;
    agencies.sql("ANALYZE").await?;
    let session = agencies.reader("hanok", None).await?;
    let stats = "SELECT count(*) FROM pg_stats WHERE tablename IN ('metrics_daily', 'slices', 'products', 'connectors')";
    assert_eq!(session.number(stats).await?, 0);
    assert_eq!(session.refusal("SELECT * FROM pg_statistic").await.as_deref(), Some("42501"));
    // What a plan counts while it runs: no row of another's mall is even read.
    session.client.batch_execute("SET enable_seqscan = off").await.context("set")?;
    for object in ["analytics.daily_products", "public.metrics_daily", "public.slices", "public.products"] {
        let explain = format!(
            "EXPLAIN (ANALYZE, FORMAT JSON) SELECT count(mall_id) FROM {object} WHERE mall_id = 'moonlit'"
        );
        let row = session.client.query_one(&explain, &[]).await.context("explain")?;
        let plan: Value = row.get(0);
        let text = plan.to_string();
        assert!(!text.contains("\"Rows Removed by Filter\"") || removed(&plan) == 0, "{object}: {text}");
    }
    Ok(())
}

/// The most rows that a node of a plan has read and thrown away.
fn removed(plan: &Value) -> u64 {
    match plan {
        Value::Object(node) => node
            .iter()
            .map(|(key, value)| {
                let here = if key == "Rows Removed by Filter" { value.as_u64().unwrap_or(0) } else { 0 };
                here.max(removed(value))
            })
            .max()
            .unwrap_or(0),
        Value::Array(nodes) => nodes.iter().map(removed).max().unwrap_or(0),
        _ => 0,
    }
}

#[tokio::test]
async fn x04_a_view_that_forgets_to_ask_as_its_reader_shows_nothing() -> Result<()> {
    // FORCE, and the owner's rule asking who really runs the statement. A superuser who owns tables is held to nothing, so
    // the tables get an owner that is none.
    let agencies = Agencies::start().await?;
    let owner = TestRole::named(&agencies.world.db, "owner");
    let name = owner.name();
    agencies
        .sql(&format!(
            "CREATE ROLE {name}; GRANT CREATE ON SCHEMA analytics TO {name}; \
             ALTER TABLE metrics_daily OWNER TO {name}; ALTER POLICY owner ON metrics_daily TO {name}; \
             CREATE VIEW analytics.forgotten AS SELECT mall_id, clicks FROM metrics_daily; \
             ALTER VIEW analytics.forgotten OWNER TO {name}; GRANT SELECT ON analytics.forgotten TO cafe24_analyst"
        ))
        .await?;
    let session = agencies.reader("hanok", None).await?;
    let seen = session.number("SELECT count(*) FROM analytics.forgotten").await;
    // The programs read through such views: they may read connectors, so the rule lets them.
    let operators = agencies.world.db.number("SELECT count(*) FROM analytics.forgotten").await;
    agencies
        .sql(&format!(
            "DROP VIEW analytics.forgotten; ALTER TABLE metrics_daily OWNER TO postgres; DROP OWNED BY {name}"
        ))
        .await?;
    assert_eq!(seen?, 0);
    assert!(operators? > 0);
    Ok(())
}

#[tokio::test]
async fn x04_whoever_is_more_than_a_reader_is_not_made_one() -> Result<()> {
    let agencies = Agencies::bare().await?;
    for (who, made) in [
        ("super", "SUPERUSER"),
        ("bypass", "BYPASSRLS"),
        ("program", "IN ROLE cafe24_producer"),
        ("worker", "IN ROLE cafe24_worker"),
    ] {
        let role = TestRole::named(&agencies.world.db, who);
        agencies.sql(&format!("CREATE ROLE {} LOGIN {made}", role.name())).await?;
        let said =
            agencies.as_owner(&["db", "grants", "--analyst", role.name(), "--agency", "hanok"]).await?;
        assert_eq!(said.code, Some(1), "{who}");
        assert!(said.stderr.contains("E-ROLE-01"), "{}", said.stderr);
    }
    for name in ["cafe24_worker", "pg_monitor", "a\";drop"] {
        let said = agencies.as_owner(&["db", "grants", "--analyst", name, "--agency", "hanok"]).await?;
        assert_eq!(said.code, Some(2), "{name}: {}", said.stderr);
    }
    let said = agencies.as_owner(&["db", "grants", "--analyst", "somebody", "--agency", "nobody"]).await?;
    assert!(said.code == Some(1) && said.stderr.contains("E-AGENCY-01"), "{}", said.stderr);
    assert_eq!(agencies.world.db.number("SELECT count(*) FROM readers").await?, 0);
    Ok(())
}
