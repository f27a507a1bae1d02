//! NCBI's taxonomy.

use klados::format::{Draft, Format, ReadOptions};
use klados::{Hierarchy, HierarchyErrorKind as Kind};

use crate::data::{Folder, fixture, real, shape};

#[test]
fn nodes_ranks_names_and_merged_ids() {
    for path in ["ncbi/taxdump", "ncbi/taxdump/nodes.dmp"] {
        let hierarchy = Hierarchy::from_path(fixture(path), &ReadOptions::new()).unwrap();
        assert_eq!(
            hierarchy.to_string(),
            "root\n  cellular organisms\n    Eukaryota\n      Viridiplantae\n        Arabidopsis\n          Arabidopsis thaliana\n      \
             Metazoa\n        Vertebrata\n          Aves\n          Homo\n            Homo sapiens\n"
        );
        assert_eq!(hierarchy.rank_names(), ["cellular root", "domain", "kingdom", "class", "genus", "species"]);
        let human = hierarchy.node("9606").unwrap();
        assert_eq!((hierarchy.name(human), hierarchy.rank(human)), ("Homo sapiens", Some("species")));
        assert_eq!(hierarchy.node("63221").unwrap(), human);
        assert_eq!(hierarchy.rank(hierarchy.node("7742").unwrap()), None); // a clade
        let cress = hierarchy.node("3702").unwrap();
        assert_eq!(hierarchy.synonyms(cress).collect::<Vec<_>>(), ["mouse-ear cress", "thale cress"]);
        let eukaryotes = hierarchy.node("2759").unwrap();
        assert_eq!(hierarchy.synonyms(eukaryotes).collect::<Vec<_>>(), ["Eucarya", "eukaryotes"]);
        assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["Arabidopsis thaliana", "Aves", "Homo sapiens"]);
        assert!(hierarchy.warnings().is_empty(), "{:?}", hierarchy.warnings());
    }
}

#[test]
fn without_names_the_ids_are_the_names() {
    let text = b"1\t|\t1\t|\tno rank\t|\n2\t|\t1\t|\tdomain\t|\n";
    let hierarchy = Hierarchy::from_bytes(text, &ReadOptions::new()).unwrap();
    assert_eq!(hierarchy.to_string(), "1\n  2\n");
    assert_eq!(hierarchy.warnings()[0].message, "there is no names.dmp beside nodes.dmp: the ids are the names");
}

#[test]
fn ranks_that_are_not_known_are_below_those_that_are() {
    let text = "1\t|\t1\t|\tno rank\t|\n2\t|\t1\t|\tplanet\t|\n3\t|\t2\t|\tspecies\t|\n4\t|\t2\t|\tgenus\t|\n";
    let hierarchy = Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap();
    assert_eq!(hierarchy.rank_names(), ["genus", "species", "planet"]);
}

#[test]
fn what_is_wrong_is_named_with_its_file_and_line() {
    let folder = Folder::new("ncbi");
    folder.write(
        "nodes.dmp",
        b"1\t|\t1\t|\tno rank\t|\n\n2\t|\t1\t|\n3|1|species|\n1\t|\t1\t|\tno rank\t|\n4\t|\t5\t|\tgenus\t|\n",
    );
    folder.write("names.dmp", b"1\t|\troot\t|\t\t|\tscientific name\t|\n1\t|\tcaf\xe9\t|\t\t|\tsynonym\t|\n1\t|\tx\t|\n7\t|\tx\t|\t\t|\tsynonym\t|\n");
    folder.write("merged.dmp", b"9\t|\t8\t|\n10\n");
    let (draft, format) = Draft::from_path(&folder.0, &ReadOptions::new()).unwrap();
    assert_eq!(format, Format::Ncbi);
    let problems: Vec<String> = draft.problems().iter().map(|problem| folder.inside(&problem.to_string())).collect();
    assert_eq!(
        problems,
        [
            "nodes.dmp:3: the line has 2 fields; expected a node, its parent and a rank, with a tab, \"|\" and a tab between",
            "nodes.dmp:4: the line has 1 fields; expected a node, its parent and a rank, with a tab, \"|\" and a tab between",
            "nodes.dmp:5: \"1\" is there already, in line 1",
            "names.dmp:2: byte 0xe9 is not valid UTF-8; the text is likely in Latin-1 or Windows-1252: save it as UTF-8, from a spreadsheet as \"CSV UTF-8\", or with iconv -f WINDOWS-1252 -t UTF-8",
            "names.dmp:3: the line has 2 fields; expected a node, a name, a unique name and the kind of the name, with a \
             tab, \"|\" and a tab between",
            "merged.dmp:2: the line has 1 fields; expected an old and a new id, with a tab, \"|\" and a tab between",
        ]
    );
    assert_eq!(
        folder.inside(&draft.warnings()[0].to_string()),
        "names.dmp: 1 names are of nodes that are not in nodes.dmp"
    );
    let missing = Hierarchy::from_bytes(b"4\t|\t5\t|\tgenus\t|\n", &ReadOptions::new()).unwrap_err();
    assert_eq!(missing.to_string(), "line 1: \"5\" is mentioned here and is nowhere declared");
}

/// What shows when all is read is of the file with the nodes, not of the folder.
#[test]
fn what_is_wrong_among_nodes_is_named_with_their_file() {
    let folder = Folder::new("ncbi-file");
    let error = |nodes: &[u8]| {
        folder.write("nodes.dmp", nodes);
        folder.inside(&Hierarchy::from_path(&folder.0, &ReadOptions::new()).unwrap_err().to_string())
    };
    assert_eq!(
        error(b"1\t|\t1\t|\tno rank\t|\n2\t|\t7\t|\tgenus\t|\n"),
        "nodes.dmp:2: \"7\" is mentioned here and is nowhere declared"
    );
    let cycle = error(b"1\t|\t1\t|\tno rank\t|\n2\t|\t3\t|\tgenus\t|\n3\t|\t2\t|\tgenus\t|\n");
    assert!(cycle.starts_with("nodes.dmp:") && cycle.contains("2 nodes form a cycle"), "{cycle}");
    assert!(error(b"\xff\xfe1\0").starts_with("nodes.dmp:1: the text is UTF-16"), "{}", error(b"\xff\xfe1\0"));
    folder.write("nodes.dmp", b"1\t|\t1\t|\tno rank\t|\n2\t|\t3\t|\tgenus\t|\n3\t|\t2\t|\tgenus\t|\n");
    let (draft, _) = Draft::from_path(&folder.0, &ReadOptions::new()).unwrap();
    let findings = klados::check::check(&draft, None);
    let cycle = findings.iter().find(|finding| finding.rule == klados::check::Rule::Cycle).unwrap();
    assert!(folder.inside(&cycle.location.to_string()).starts_with("nodes.dmp:"), "{}", cycle.location);
}

#[test]
fn a_folder_without_nodes_is_refused() {
    let folder = Folder::new("ncbi-none");
    let error = Hierarchy::from_path(&folder.0, &ReadOptions::new().format(Format::Ncbi)).unwrap_err();
    assert_eq!((error.kind(), error.message()), (Kind::Io, "there is no nodes.dmp in this folder"));
}

#[test]
fn the_minimal_taxonomy_is_read() {
    let Some(path) = real("ncbi-taxonomy-minimal") else { return };
    let hierarchy = Hierarchy::from_path(&path, &ReadOptions::new()).unwrap();
    // Counted from ncbi-taxonomy-minimal.edges.csv.
    assert_eq!(shape(&hierarchy), (54, 9, 1, 0, 16));
    let flavivirus = hierarchy.node("11051").unwrap();
    assert_eq!((hierarchy.name(flavivirus), hierarchy.rank(flavivirus)), ("Flavivirus", Some("genus")));
    assert_eq!(hierarchy.synonyms(flavivirus).next(), Some("arboviruses group B"));
    assert!(hierarchy.warnings().is_empty(), "{:?}", hierarchy.warnings());
}
