use catalog::Catalog;

#[test]
fn shipped_tables_are_consistent() {
    Catalog::builtin().unwrap().check().unwrap();
}
