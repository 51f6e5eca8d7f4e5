//! The catalogue of the database, object by object, so that none can be forgotten.

use std::collections::BTreeSet;

use common::store::{Role, guarded_tables, wanted_rights};
use tests::harness::{Context as _, Result, World, WorldConfig};

async fn bare() -> Result<World> {
    World::start_with(WorldConfig { no_import: true, ..WorldConfig::default() }).await
}

async fn texts(world: &World, sql: &str) -> Result<BTreeSet<String>> {
    let rows = world.db.client().query(sql, &[]).await.with_context(|| sql.to_owned())?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Table or column privileges of our roles and of everybody, as the catalogue has them: `role privilege object(column)`.
const GRANTED: &str = "\
    WITH relations AS (
        SELECT c.oid, c.relacl, CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname AS name
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'analytics') AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    ), granted AS (
        SELECT acl.grantee, acl.privilege_type, r.name FROM relations r CROSS JOIN LATERAL aclexplode(r.relacl) AS acl
         UNION ALL
        SELECT acl.grantee, acl.privilege_type, r.name || '(' || a.attname || ')'
          FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid CROSS JOIN LATERAL aclexplode(a.attacl) AS acl
    )
    SELECT coalesce(g.rolname::text, 'everybody') || ' ' || privilege_type || ' ' || name
      FROM granted LEFT JOIN pg_roles g ON g.oid = grantee
     WHERE grantee = 0 OR g.rolname IN ('cafe24_producer', 'cafe24_worker', 'cafe24_analyst')";

#[tokio::test]
async fn our_roles_are_granted_what_the_list_says_and_nothing_else() -> Result<()> {
    let world = bare().await?;
    let is = texts(&world, GRANTED).await?;
    let should: BTreeSet<String> = wanted_rights()
        .into_iter()
        .filter(|right| right.kind != "schema")
        .map(|right| {
            let column = if right.column.is_empty() { String::new() } else { format!("({})", right.column) };
            format!("{} {} {}{column}", right.role, right.privilege, right.object)
        })
        .collect();
    let missing: Vec<_> = should.difference(&is).collect();
    let more: Vec<_> = is.difference(&should).collect();
    assert!(missing.is_empty() && more.is_empty(), "missing: {missing:#?}\nnot in the list: {more:#?}");
    let none = "SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'cafe24\\_%' AND rolname NOT LIKE 'cafe24\\_test%' \
                AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR rolcanlogin)";
    assert_eq!(
        texts(&world, none).await?,
        BTreeSet::new(),
        "the three roles may nothing but what they are granted"
    );
    Ok(())
}

#[tokio::test]
async fn every_table_and_view_has_its_line_in_the_list_of_rights() -> Result<()> {
    let world = bare().await?;
    let relations = "SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname \
                       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                      WHERE n.nspname IN ('public', 'analytics') AND c.relkind IN ('r', 'p', 'v', 'm')";
    let listed: BTreeSet<String> = wanted_rights()
        .into_iter()
        .filter(|right| right.role == Role::Producer)
        .map(|right| right.object)
        .collect();
    let is = texts(&world, relations).await?;
    let forgotten: Vec<_> = is.difference(&listed).collect();
    assert!(
        forgotten.is_empty(),
        "say in common/src/store/rights/list.rs who may do what with {forgotten:?}: without it the programs may nothing"
    );
    Ok(())
}

#[tokio::test]
async fn x04_whatever_an_analyst_may_read_is_guarded_row_by_row() -> Result<()> {
    let world = bare().await?;
    let readable = "SELECT c.relname::text FROM pg_class c \
                     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
                       AND has_any_column_privilege('cafe24_analyst', c.oid, 'SELECT')";
    // Groups of domains are nobody's secret.
    let open = BTreeSet::from(["domain_groups".to_owned()]);
    let guarded: BTreeSet<String> = guarded_tables().map(str::to_owned).collect();
    let read = texts(&world, readable).await?;
    let bare: Vec<_> =
        read.iter().filter(|table| !guarded.contains(*table) && !open.contains(*table)).collect();
    assert!(bare.is_empty(), "an analyst reads {bare:?}, which no rule guards");

    let forced = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
                  AND relrowsecurity AND relforcerowsecurity";
    assert_eq!(texts(&world, forced).await?, guarded);
    let rules = "SELECT tablename || ' ' || policyname || ' ' || cmd || ' ' || array_to_string(roles, '+') \
                 FROM pg_policies WHERE schemaname = 'public'";
    let rules = texts(&world, rules).await?;
    let wanted: BTreeSet<String> = guarded
        .iter()
        .flat_map(|table| {
            [
                format!("{table} owner ALL postgres"),
                format!("{table} programs ALL cafe24_producer+cafe24_worker"),
                format!("{table} readers SELECT cafe24_analyst"),
            ]
        })
        .collect();
    assert_eq!(rules, wanted, "a rule more is a door more: permissive rules are joined by OR");
    Ok(())
}

#[tokio::test]
async fn x04_the_schema_of_analysts_holds_views_that_read_with_the_readers_rights() -> Result<()> {
    let world = bare().await?;
    let other = "SELECT relname::text FROM pg_class WHERE relnamespace = 'analytics'::regnamespace \
                 AND NOT (relkind = 'v' AND 'security_invoker=true' = ANY (coalesce(reloptions, '{}')))";
    assert_eq!(texts(&world, other).await?, BTreeSet::new());
    let silent = "SELECT proname::text FROM pg_proc WHERE pronamespace = 'analytics'::regnamespace \
                  AND (prosecdef OR obj_description(oid, 'pg_proc') IS NULL)";
    assert_eq!(
        texts(&world, silent).await?,
        BTreeSet::new(),
        "its functions, too, and they say what they are"
    );
    Ok(())
}

#[tokio::test]
async fn x04_few_functions_run_with_the_owners_rights_and_none_trusts_the_callers_search_path() -> Result<()>
{
    let world = bare().await?;
    let definers = "SELECT proname::text FROM pg_proc WHERE prosecdef \
                    AND pronamespace IN ('public'::regnamespace, 'analytics'::regnamespace)";
    let known = [
        "first_days_shown",
        "visible_freshness",
        "visible_malls",
        "visible_restatements",
        "visible_series",
        "visible_slices",
    ];
    assert_eq!(
        texts(&world, definers).await?,
        known.map(str::to_owned).into(),
        "each of these must ask whose the mall is; the crossing tests try them"
    );
    let loose = "SELECT proname::text FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace \
                 AND NOT 'search_path=pg_catalog, public, pg_temp' = ANY (coalesce(proconfig, '{}'))";
    assert_eq!(texts(&world, loose).await?, BTreeSet::new());
    Ok(())
}

/// All other tests stand on this: what they show is shown with these rights.
#[tokio::test]
async fn the_programs_under_test_log_in_as_members_of_their_roles_and_own_nothing() -> Result<()> {
    let world = World::start().await?;
    let (worker, daemon) = (world.programs.worker()?, world.programs.serve()?);
    worker.listen(super::SOON).await?;
    daemon.listen(super::SOON).await?;
    let sessions = "SELECT DISTINCT usename::text FROM pg_stat_activity \
                    WHERE datname = current_database() AND application_name LIKE 'cafe24%'";
    let logins = ["cafe24_test_producer".to_owned(), "cafe24_test_worker".to_owned()];
    assert_eq!(texts(&world, sessions).await?, logins.into());
    let owned = "SELECT relname::text FROM pg_class WHERE pg_get_userbyid(relowner) LIKE 'cafe24%'";
    assert_eq!(texts(&world, owned).await?, BTreeSet::new());
    Ok(())
}

#[tokio::test]
async fn exports_have_the_columns_of_their_views() -> Result<()> {
    let world = bare().await?;
    for view in [
        common::store::ExportView::Store,
        common::store::ExportView::Products,
        common::store::ExportView::Domains,
    ] {
        let sql = "SELECT attname::text FROM pg_attribute WHERE attrelid = ('analytics.' || $1)::regclass AND attnum > 0 ORDER BY attnum";
        let rows = world.db.client().query(sql, &[&view.name()]).await.context(sql)?;
        let is: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let listed: Vec<&str> = view.columns().iter().map(|column| column.name).collect();
        assert_eq!(is, listed, "{}", view.name());
    }
    Ok(())
}
