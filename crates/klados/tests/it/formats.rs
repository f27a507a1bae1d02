//! Reading hierarchies from CSV.

use klados::format::{CsvLayout, CsvOptions};
use klados::{Hierarchy, HierarchyErrorKind as Kind};

fn read(text: &str) -> Result<Hierarchy, klados::HierarchyError> {
    Hierarchy::from_csv_reader(text.as_bytes(), &CsvOptions::new())
}

#[test]
fn edges_in_either_order_of_columns_and_lines() {
    let a = read("child,parent\ncrow,bird\nbird,animal\nbat,animal\n").unwrap();
    let b = read("\u{feff}Parent,Child\r\nanimal,bat\r\nbird,crow\r\nanimal,bird\r\n").unwrap();
    assert_eq!(a.to_string(), "animal\n  bird\n    crow\n  bat\n");
    assert_eq!(b.to_string(), "animal\n  bat\n  bird\n    crow\n");
    assert_eq!(b.class_names().collect::<Vec<_>>(), ["bat", "crow"]);
}

#[test]
fn names_of_all_kinds() {
    let text = "child,parent,note\n\"Smith, John\",NA,x\n\"say \"\"hi\"\"\",NA,\nМедведь,NA,\n熊,null,\nnull,NA,\n";
    let hierarchy = read(text).unwrap();
    assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["Smith, John", "say \"hi\"", "Медведь", "熊"]);
    assert_eq!(hierarchy.name(klados::NodeId::ROOT), "NA");
}

#[test]
fn other_columns_are_asked_for() {
    let text = "taxon,above\ncrow,bird\nbird,animal\nbat,animal\n";
    let error = read("taxon,above\ncrow,bird\nbird,animal\n").unwrap_err();
    assert_eq!(error.kind(), Kind::Format);
    assert!(error.to_string().contains("child_column"), "{error}");
    let options = CsvOptions::edges("taxon", "above");
    assert_eq!(Hierarchy::from_csv_reader(text.as_bytes(), &options).unwrap().class_count(), 2);
    let error = Hierarchy::from_csv_reader(text.as_bytes(), &CsvOptions::edges("taxon", "up")).unwrap_err();
    assert_eq!(error.to_string(), "line 1: there is no column \"up\"; the columns are \"taxon\", \"above\"");
}

#[test]
fn ranks_from_the_top_or_from_the_bottom() {
    let down = "family,genus,species\nF,G1,S1\nF,G1,S2\nF,G2,S3\n";
    let up = "species,genus,family\nS1,G1,F\nS2,G1,F\nS3,G2,F\n";
    for text in [down, up] {
        let hierarchy = read(text).unwrap();
        assert_eq!(hierarchy.to_string(), "F\n  G1\n    S1\n    S2\n  G2\n    S3\n");
        assert_eq!(hierarchy.rank_names(), ["family", "genus", "species"]);
        assert_eq!(hierarchy.rank(hierarchy.node("G2").unwrap()), Some("genus"));
    }
    let options = CsvOptions::ranks(["genus", "species"]);
    assert_eq!(Hierarchy::from_csv_reader(up.as_bytes(), &options).unwrap().to_string(), "G1\n  S1\n  S2\nG2\n  S3\n");
}

#[test]
fn a_rank_table_that_does_not_show_its_direction_warns() {
    let hierarchy = read("one,two\na,x\nb,y\n").unwrap();
    assert_eq!(hierarchy.to_string(), "a\n  x\nb\n  y\n");
    assert_eq!(
        hierarchy.warnings()[0].to_string(),
        "line 1: the columns \"one\" and \"two\" have equally many values: the first is taken to be the top rank"
    );
    let linnaean = read("species,genus\na,x\nb,y\n").unwrap();
    assert_eq!(linnaean.to_string(), "x\n  a\ny\n  b\n");
    assert!(linnaean.warnings().is_empty());
}

#[test]
fn ragged_rank_rows_and_homonyms() {
    let text =
        "kingdom,family,genus\nPlantae,Iridaceae,Iris\nAnimalia,Tarachodidae,Iris\nAnimalia,,Foo\nPlantae,Rosaceae,\n";
    let hierarchy = read(text).unwrap();
    assert_eq!(hierarchy.class_count(), 4);
    assert_eq!(hierarchy.node("Iris").unwrap_err().kind(), Kind::AmbiguousName);
    let foo = hierarchy.node("Foo").unwrap();
    assert_eq!((hierarchy.rank(foo), hierarchy.depth(foo)), (Some("genus"), 2));
    assert_eq!(hierarchy.rank(hierarchy.node("Rosaceae").unwrap()), Some("family"));
}

#[test]
fn errors_name_the_line() {
    let message = |text: &str| read(text).unwrap_err().to_string();
    assert_eq!(
        message("child,parent\na,b\nb,c\nc,a\n"),
        "line 4: 3 nodes form a cycle, each the child of the next and the last of the first: \"a\", \"b\", \"c\""
    );
    assert_eq!(message("child,parent\na,b\nc,c\n"), "line 3: \"c\" is given as its own parent");
    assert_eq!(message("child,parent\na,b\na,\n"), "line 3: \"a\" has no parent here, and elsewhere the parent \"b\"");
    assert_eq!(message("child,parent\n,b\n"), "line 2: empty name");
    assert_eq!(
        message("child,parent\na,b\na,b,c\n"),
        "line 3: 3 fields, expected 2 as in the header; a name with a comma needs quotes"
    );
    assert!(message("").contains("the file is empty"));
    assert!(message("child\na\n").contains("one column"));
    assert_eq!(message("child,child,parent\na,b,c\n"), "line 1: the header names the column \"child\" twice");
    assert_eq!(
        message("child,parent\na\u{1f},b\n"),
        "line 2: the name \"a\\u{1f}\" holds the control character U+001F"
    );
    assert!(message("child,parent\n").contains("no nodes"));
    assert!(message("genus,species\n,\n").starts_with("line 2: "));
    let latin1 = Hierarchy::from_csv_reader(&b"child,parent\nb\xe4r,x\n"[..], &CsvOptions::new()).unwrap_err();
    assert_eq!(
        latin1.to_string(),
        "line 2: field 1 is not valid UTF-8; the text is likely in Latin-1 or Windows-1252: save it as UTF-8, from a spreadsheet as \"CSV UTF-8\", or with iconv -f WINDOWS-1252 -t UTF-8"
    );
}

#[test]
fn an_empty_parent_is_a_root() {
    let one = read("child,parent\nlife,\nplant,life\n").unwrap();
    assert_eq!((one.name(klados::NodeId::ROOT), one.warnings().len()), ("life", 0));
    let several = read("child,parent\na,b\nlonely,\nc,\n").unwrap();
    assert_eq!(several.class_names().collect::<Vec<_>>(), ["a", "lonely", "c"]);
    assert_eq!(
        several.warnings()[0].to_string(),
        "line 3: 2 of the nodes have an empty parent and are taken to be roots: \"lonely\", \"c\""
    );
}

#[test]
fn lines_are_counted_through_crlf_blank_lines_and_quoted_line_breaks() {
    for text in [
        "child,parent\r\na,b\r\nc,c\r\n",
        "child,parent\n\nc,c\n",
        "\u{feff}child,parent\r\n\r\nc,c\r\n",
        "child,parent\na,b\nc,d,e\n",
    ] {
        assert!(read(text).unwrap_err().to_string().starts_with("line 3: "), "{text:?}");
    }
    let quoted = read("child,parent\n\"two\nlines\",b\nc,c\n").unwrap_err();
    assert!(quoted.to_string().starts_with("line 4: "), "{quoted}");
}

#[test]
fn errors_and_warnings_name_the_file() {
    let folder = std::env::temp_dir().join(format!("klados-formats-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("tree.csv");
    std::fs::write(&path, "child,parent\na,b\na,b\n").unwrap();
    let hierarchy = Hierarchy::from_csv_path(&path, &CsvOptions::new()).unwrap();
    assert!(hierarchy.warnings()[0].to_string().contains("tree.csv:3: the edge"));
    std::fs::write(&path, "child,parent\na,a\n").unwrap();
    let error = Hierarchy::from_csv_path(&path, &CsvOptions::new()).unwrap_err();
    assert!(error.to_string().contains("tree.csv:2: "), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(Hierarchy::from_csv_path(&path, &CsvOptions::new()).unwrap_err().kind(), Kind::Io);
}

/// The real files, where they are: nodes, classes, height and multi-parent counts as the data folder's manifest has
/// them.
#[test]
fn real_hierarchies() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/hierarchies");
    if !folder.exists() {
        #[allow(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: no folder of real hierarchies beside the repository");
        }
        return;
    }
    let load = |name: &str| {
        Hierarchy::from_csv_path(folder.join(name).join(format!("{name}.edges.csv")), &CsvOptions::new()).unwrap()
    };
    // nodes and classes of the manifest; where it has several roots, the added one comes on top
    for (name, nodes, classes, tree) in [
        ("imagenet1k-wordnet-dag", 1860, 1000, false),
        ("cifar100-superclasses", 121, 100, true),
        ("nabirds", 1011, 555, true),
        ("crates-io-categories", 104, 92, true),
        ("cell-ontology-cl-basic-2022-12", 2644, 1630, false),
    ] {
        let hierarchy = load(name);
        assert_eq!(hierarchy.node_count(), nodes + usize::from(hierarchy.root_is_added()), "{name}");
        assert_eq!((hierarchy.class_count(), hierarchy.is_tree()), (classes, tree), "{name}");
    }
    let imagenet = load("imagenet1k-wordnet-dag");
    assert_eq!(imagenet.height(klados::NodeId::ROOT), 18);
    assert_eq!(imagenet.nodes().filter(|node| imagenet.parents(*node).len() > 1).count(), 75);
    let mut options = CsvOptions::new();
    options.layout = Some(CsvLayout::Ranks);
    let inat = Hierarchy::from_csv_path(folder.join("inat21/inat21.ranks.csv"), &options).unwrap();
    assert_eq!((inat.node_count(), inat.class_count()), (16_344, 10_000));
    assert_eq!(inat.height(klados::NodeId::ROOT), 7);
    assert_eq!(inat.node("Iris").unwrap_err().kind(), Kind::AmbiguousName);
}

#[test]
fn known_ranks_are_put_in_order() {
    let hierarchy = read("genus,species,family\nCorvus,Corvus corax,Corvidae\nPica,Pica pica,Corvidae\n").unwrap();
    assert_eq!(hierarchy.to_string(), "Corvidae\n  Corvus\n    Corvus corax\n  Pica\n    Pica pica\n");
    assert_eq!(
        hierarchy.warnings()[0].to_string(),
        "line 1: the columns are no ranks in order; they are read as \"family\", \"genus\", \"species\", from the top"
    );
}

#[test]
fn columns_of_numbers_beside_known_ranks_are_left_out() {
    let text = "id,species,genus,family,count\n1,Corvus corax,Corvus,Corvidae,12\n2,Pica pica,Pica,Corvidae,\n";
    let hierarchy = read(text).unwrap();
    assert_eq!(hierarchy.to_string(), "Corvidae\n  Corvus\n    Corvus corax\n  Pica\n    Pica pica\n");
    assert_eq!(
        hierarchy.warnings()[0].to_string(),
        "line 1: columns of numbers are no ranks and are left out: \"id\", \"count\""
    );
    // Where ranks are not known by their names, numbers may be names.
    assert_eq!(read("top,leaf\n1,10\n1,11\n2,20\n").unwrap().to_string(), "1\n  10\n  11\n2\n  20\n");
}
