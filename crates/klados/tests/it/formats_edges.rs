//! Lists of edges in all their forms.

use klados::format::{Draft, Format, ReadOptions};
use klados::{Hierarchy, HierarchyErrorKind as Kind, NodeId};

fn read(text: &str) -> Result<Hierarchy, klados::HierarchyError> {
    Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new())
}

fn messages(hierarchy: &Hierarchy) -> Vec<String> {
    hierarchy.warnings().iter().map(ToString::to_string).collect()
}

const BIRDS: &str = "animal\n  bird\n    crow\n    robin\n  bat\n";

#[test]
fn the_parent_is_the_column_with_fewer_names() {
    for text in [
        "crow,bird\nrobin,bird\nbird,animal\nbat,animal\n",
        "bird,crow\nbird,robin\nanimal,bird\nanimal,bat\n",
        "bird\tcrow\nbird\trobin\nanimal\tbird\nanimal\tbat\n",
        "bird crow\nbird  robin\nanimal bird\nanimal bat",
        "from,to\ncrow,bird\nrobin,bird\nbird,animal\nbat,animal\n",
    ] {
        let hierarchy = read(text).unwrap();
        assert_eq!(hierarchy.to_string(), BIRDS, "{text}");
        assert!(messages(&hierarchy)[0].ends_with("is taken to be the parent, as it has fewer names"), "{text}");
    }
    let error = read("a,b\nb,c\n").unwrap_err();
    assert_eq!((error.kind(), error.location().line), (Kind::Format, Some(1)));
    assert!(error.message().contains("both columns have equally many names"), "{error}");
}

#[test]
fn networkx_writes_attributes_and_comments() {
    for text in [
        "# a comment\n# another\nbird crow {}\nbird robin {'weight': 1, 'by': 'hand'}\nanimal bird {}\nanimal bat {}\n",
        "bird crow 1\nbird robin 0.5\nanimal bird 1\nanimal bat 1e3\n",
    ] {
        assert_eq!(read(text).unwrap().to_string(), BIRDS);
    }
    let (draft, _) =
        Draft::from_bytes(b"# c\n\n# c\na b\na c\na d\nc e f g\n#x\nc c\n", &ReadOptions::new().format(Format::Edges))
            .unwrap();
    let problems: Vec<_> = draft.problems().iter().map(ToString::to_string).collect();
    assert!(problems[0].starts_with("line 7: 4 fields, expected 2"), "{problems:?}");
    assert_eq!(problems[1..], ["line 9: \"c\" is given as its own parent"]);
}

#[test]
fn ids_with_names_and_ranks() {
    // As Darwin Core names the columns; the order of lines and columns is no matter.
    let text = "scientificName,taxonID,taxonRank,parentNameUsageID\nIris,7,genus,2\nIris,8,genus,3\nPlantae,2,kingdom,\n\
                Animalia,3,kingdom,\n";
    let hierarchy = read(text).unwrap();
    let mantis = hierarchy.node("8").unwrap();
    assert_eq!((hierarchy.name(mantis), hierarchy.rank(mantis)), ("Iris", Some("genus")));
    assert_eq!(hierarchy.path(mantis), "Animalia > Iris");
    assert_eq!(hierarchy.node("Iris").unwrap_err().kind(), Kind::AmbiguousName);
    let renamed = read("id,name,parent\n1,bird,\n2,crow,1\n2,raven,1\n").unwrap();
    assert!(messages(&renamed).contains(&"line 4: \"crow [2]\" is named \"raven\" here, which is taken".to_owned()));
}

#[test]
fn parents_may_be_names_beside_ids() {
    let hierarchy = read("id,name,parent\n1,bird,\n2,crow,bird\n3,robin,bird\n").unwrap();
    assert_eq!(hierarchy.to_string(), "bird\n  crow\n  robin\n");
    assert_eq!(hierarchy.node("2").unwrap(), hierarchy.node("crow").unwrap());
    let error = read("id,name,parent\n1,bird,\n2,crow,bird\n2,robin,bird\n").unwrap_err();
    assert_eq!(error.to_string(), "line 4: the id \"2\" of \"robin\" is that of \"crow\" already");
}

#[test]
fn names_alone_are_the_identity() {
    let hierarchy = read("name,parent\ncrow,bird\nrobin,bird\n").unwrap();
    assert_eq!((hierarchy.to_string().as_str(), hierarchy.has_ids()), ("bird\n  crow\n  robin\n", false));
}

#[test]
fn several_parents_in_a_field() {
    let hierarchy = read("node,parents\nbat,mammal|flying\ncrow,bird; flying\nmammal,\nbird,\nflying,\n").unwrap();
    let bat = hierarchy.node("bat").unwrap();
    let parents: Vec<&str> = hierarchy.parents(bat).iter().map(|parent| hierarchy.name(*parent)).collect();
    assert_eq!(parents, ["mammal", "flying"]);
    // Only where the header says so.
    let one = read("node,parent\nbat,mammal|flying\n").unwrap();
    assert_eq!(one.name(NodeId::ROOT), "mammal|flying");
}

#[test]
fn ranks_without_a_header_keep_their_first_line() {
    let hierarchy = Hierarchy::from_bytes(b"Corvidae,crow\nCorvidae,magpie\nFelidae,cat\n", &ReadOptions::new());
    let hierarchy = hierarchy.unwrap();
    assert_eq!(hierarchy.to_string(), "Corvidae\n  crow\n  magpie\nFelidae\n  cat\n");
    assert!(hierarchy.rank_names().is_empty());
    assert!(messages(&hierarchy)[0].contains("it is taken to be no header"));
}

/// By hand from hierarchy.txt and classes.txt.
const NABIRDS_295: &str = "Birds > Ducks, Geese, and Swans > Common Eider > Common Eider (Adult male)";

#[test]
fn the_original_of_nabirds_is_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/hierarchies/nabirds");
    let path = folder.join("hierarchy.txt");
    if !path.exists() {
        #[allow(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: no {}", path.display());
        }
        return;
    }
    // Child first, a pair of numbers a line.
    let hierarchy = Hierarchy::from_path(&path, &ReadOptions::new()).unwrap();
    let edges = Hierarchy::from_path(folder.join("nabirds.edges.csv"), &ReadOptions::new()).unwrap();
    assert_eq!(hierarchy.to_string().lines().count(), edges.to_string().lines().count());
    assert_eq!((hierarchy.class_count(), hierarchy.is_tree()), (555, true));
    // From classes.txt beside it.
    let eider = hierarchy.node("295").unwrap();
    assert_eq!(hierarchy.path(eider), NABIRDS_295);
}

#[test]
fn ranks_are_in_the_order_that_the_edges_show() {
    let hierarchy =
        read("child,parent,rank\nC. corax,Corvus,species\nCorvus,Corvidae,genus\nCorvidae,,family\n").unwrap();
    assert_eq!(hierarchy.rank_names(), ["family", "genus", "species"]);
}

#[test]
fn of_several_ids_that_is_taken_which_parents_are_told_by() {
    let text = "id,taxonID,parentNameUsageID,scientificName,taxonRank\n\
                1,t/10,t/30,Corvus corax,species\n2,t/20,t/30,Corvus corone,species\n3,t/30,,Corvus,genus\n";
    let hierarchy = Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap();
    assert_eq!(hierarchy.to_string(), "Corvus\n  Corvus corax\n  Corvus corone\n");
    assert_eq!(hierarchy.id(hierarchy.class_node(1)), Some("t/20"));
}

#[test]
fn where_parents_are_named_the_file_has_edges() {
    let error = read("term_id,term_name,parent_id\nT1,crow,T3\nT2,robin,T3\nT3,bird,\n").unwrap_err();
    assert_eq!(error.kind(), Kind::Format);
    assert!(error.message().contains("say which they are (--child-column and --parent-column, in code"), "{error}");
    assert_eq!(read("parent,item\nbird,crow\nbird,robin\n").unwrap().to_string(), "bird\n  crow\n  robin\n");
}

#[test]
fn columns_that_are_asked_for_have_names_and_ranks_beside_them() {
    let text = "taxon,above,name,rank\n1,3,crow,species\n2,3,robin,species\n3,,bird,genus\n";
    let mut options = ReadOptions::new();
    options.child_column = Some("taxon".into());
    options.parent_column = Some("above".into());
    let hierarchy = Hierarchy::from_bytes(text.as_bytes(), &options).unwrap();
    assert_eq!(hierarchy.to_string(), "bird\n  crow\n  robin\n");
    assert_eq!(hierarchy.id(hierarchy.class_node(1)), Some("2"));
    assert_eq!(hierarchy.rank_names(), ["genus", "species"]);
}

#[test]
fn synonyms_of_darwin_core_are_no_nodes() {
    let text = "dwc:taxonID\tdwc:acceptedNameUsageID\tdwc:parentNameUsageID\tdwc:scientificName\tdwc:taxonRank\n\
                1\t\t3\tCorvus corax\tspecies\n2\t1\t3\tCorvus major\tspecies\n3\t3\t\tCorvus\tgenus\n";
    let hierarchy = read(text).unwrap();
    assert_eq!(hierarchy.to_string(), "Corvus\n  Corvus corax\n");
    let raven = hierarchy.class_node(0);
    assert_eq!(hierarchy.synonyms(raven).collect::<Vec<_>>(), ["Corvus major"]);
    assert_eq!(hierarchy.node("2").unwrap(), raven);
    assert_eq!(messages(&hierarchy), ["1 lines are synonyms of other nodes, by which these are found, and no nodes"]);
}

#[test]
fn ids_of_parents_without_a_line_are_told() {
    let hierarchy = read("id,parent_id,name\n1,NULL,crow\n2,9,robin\n").unwrap();
    let expected = "2 ids of parents have no line of their own: \"NULL\", \"9\"; where one stands for no parent, leave the \
                    field empty";
    assert!(messages(&hierarchy).contains(&expected.to_owned()), "{:?}", messages(&hierarchy));
}

/// Fields as in Open Tree's `taxonomy.tsv`, with bars between, of which one stands at the end of the line.
#[test]
fn the_taxonomy_of_open_tree_is_a_list_of_edges() {
    let hierarchy = crate::reading::fixture("edges/opentree.tsv");
    assert_eq!(hierarchy.to_string(), "life\n  Aves\n    Corvus\n      Corvus \"sp.\"\n      Corvus corax\n");
    let corax = hierarchy.node("5").unwrap();
    assert_eq!((hierarchy.name(corax), hierarchy.rank(corax)), ("Corvus corax", Some("species")));
    assert_eq!(hierarchy.rank_names(), ["class", "genus", "species"]);
    assert!(hierarchy.warnings().is_empty(), "{:?}", messages(&hierarchy));
    // The ends of lines are those of the file.
    let text = "uid\t|\tparent_uid\t|\tname\t|\r\n1\t|\t\t|\ta\t|\r\n2\t|\t1\t|\tb|c\t|\r\n3\t|\t1\n";
    let (draft, _) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap();
    let lines: Vec<_> = (0..2).map(|node| (draft.name(node), draft.line(node))).collect();
    assert_eq!(lines, [("a", Some(2)), ("b|c", Some(3))]);
    let problems: Vec<String> = draft.problems().iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("line 4: 2 fields, expected 3"), "{problems:?}");
}

#[test]
fn a_column_says_which_nodes_are_classes() {
    let text =
        "name,parent,class\ncrow,bird,yes\nbird,animal,1\nbat,animal,TRUE\nrobin,bird,\nanimal,,no\nbat,bird,true\n";
    let hierarchy = read(text).unwrap();
    assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["crow", "bird", "bat"]);
    assert_eq!(messages(&hierarchy), ["1 node without a class at or below it is pruned: \"robin\""]);
    let mut options = ReadOptions::new();
    (options.child_column, options.parent_column) = (Some("a".to_owned()), Some("b".to_owned()));
    let asked = Hierarchy::from_bytes(b"a,b,Is Class\nx,y,true\ny,z,true\n", &options).unwrap();
    assert_eq!(asked.class_names().collect::<Vec<_>>(), ["x", "y"]);
    // The rank of this name, and a column that says of none that it is a class.
    for text in ["id,parent,class\na,b,Aves\nb,,1\n", "id,parent,class\na,b,\nb,,0\n"] {
        assert_eq!(read(text).unwrap().class_names().collect::<Vec<_>>(), ["a"], "{text}");
    }
    // Beyond the lines that show what the column is.
    let lines: String = (0..5000).map(|line| format!("n{line},top,1\n")).collect();
    let error = read(&format!("child,parent,class\n{lines}a,top,Aves\n")).unwrap_err();
    assert_eq!(error.to_string(), "line 5002: the class is \"Aves\"; expected true or false");
}
