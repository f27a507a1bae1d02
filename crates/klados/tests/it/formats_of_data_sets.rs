//! Formats of a kind of data set each: hierarchical ARFF, labels of SpeciesNet, and the names of NABirds.

use klados::format::{Draft, Format, ReadOptions};
use klados::{Hierarchy, HierarchyErrorKind as Kind};

fn read(text: &str) -> Result<Hierarchy, klados::HierarchyError> {
    Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new())
}

fn problems(draft: &Draft) -> Vec<String> {
    draft.problems().iter().map(ToString::to_string).collect()
}

fn draft(text: impl AsRef<[u8]>, format: Format) -> Draft {
    let (draft, guessed) = Draft::from_bytes(text.as_ref(), &ReadOptions::new()).unwrap();
    assert_eq!(guessed, format);
    draft
}

mod arff {
    use super::*;

    #[test]
    fn classes_are_paths_by_their_id() {
        for text in [
            "@relation x\n@attribute class hierarchical 01,01/01,01/02,02,02/01\n@data\n1\n",
            "% c\r\n\r\n@RELATION x\r\n@ATTRIBUTE f {a,b}\r\n@ATTRIBUTE \"the class\"  HIERARCHICAL 01, 01/01, 01/02, 02, 02/01,\r\n",
            "@relation x\n@attribute class hierarchical 01/01,01/02,02/01,01,02\n@data\n@attribute z hierarchical a\n",
        ] {
            let hierarchy = draft(text, Format::Arff).build().unwrap();
            assert_eq!(hierarchy.to_string(), "01\n  01\n  02\n02\n  01\n", "{text}");
            let node = hierarchy.node("02/01").unwrap();
            assert_eq!((hierarchy.name(node), hierarchy.path(node).as_str()), ("01", "02 > 01"));
            assert_eq!(hierarchy.name(hierarchy.node("02").unwrap()), "02");
        }
    }

    #[test]
    fn pairs_that_go_on_are_edges() {
        let text = "@relation go\n@attribute class hierarchical root/a,root/b,a/c,b/c,c/d\n@data\n";
        let hierarchy = read(text).unwrap();
        assert_eq!(hierarchy.to_string(), "root\n  a\n    c\n      d\n  b\n    c (above)\n");
        assert!(!hierarchy.is_tree() && !hierarchy.has_ids());
        // These do not: paths of two names, among them one below its own name.
        let paths = read("@relation x\n@attribute class hierarchical 01/01,01/02\n@data\n").unwrap();
        assert_eq!(paths.to_string(), "01\n  01\n  02\n");
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        let text = "@relation x\n@attribute a numeric\n@attribute hierarchically numeric\n@data\n";
        let none = draft(text, Format::Arff);
        assert_eq!(
            problems(&none),
            ["no attribute is hierarchical; expected \"@attribute class hierarchical a,a/b,a/c\" before @data"]
        );
        let text = "@relation x\n@attribute c hierarchical a//b,a/c,/,a/c\n@attribute d hierarchical x\n@attribute\n";
        assert_eq!(
            problems(&draft(text, Format::Arff)),
            [
                "line 2: empty name",
                "line 2: empty name",
                "line 3: a second hierarchical attribute, after that in line 2; expected one",
            ]
        );
        let bytes = b"@relation x\n@attribute c\xe4 numeric\n@attribute c hierarchical a,a/b\0,a/c\n";
        assert_eq!(
            problems(&draft(bytes, Format::Arff)),
            [
                "line 2: byte 0xe4 is not valid UTF-8; the text is likely in Latin-1 or Windows-1252: save it as UTF-8, from a spreadsheet as \"CSV UTF-8\", or with iconv -f WINDOWS-1252 -t UTF-8",
                "line 3: the name \"b\\0\" holds the control character U+0000",
            ]
        );
        assert_eq!(read("@relation x\n@attribute c hierarchical a/b,b/a\n").unwrap_err().kind(), Kind::Cycle);
    }

    #[test]
    fn a_path_may_be_deep() {
        let text = format!("@relation x\n@attribute c hierarchical {}y,z\n@data\n", "x/".repeat(8_000));
        let hierarchy = read(&text).unwrap();
        assert_eq!((hierarchy.node_count(), hierarchy.class_count()), (8_003, 2)); // with an added root
    }
}

mod speciesnet {
    use super::*;

    /// Labels as the model package of SpeciesNet has them, by their documentation.
    const LABELS: &str = "\
        330bb1e9-84d6-4e41-afa9-938aee17ea29;mammalia;carnivora;ursidae;ursus;arctos;brown bear\n\
        065884eb-4e64-4233-84dc-de25bd06ffd2;diplopoda;;;;;millipedes\n\
        f2d233e3-80e3-433d-9687-e29ecc7a467a;mammalia;;;;;mammal\n\
        f8bdec5f-ae9a-410a-a9b7-a4c5e17ee3f3;mammalia;rodentia;muridae;hylomyscus;stella;\r\n\
        1f689929-883d-4dae-958c-3d57ab5b6c16;;;;;;animal\n\n\
        f1856211-cfb7-4a5b-9158-c0f72fd09ee6;;;;;;blank\n\
        f2efdae9-efb8-48fb-8a91-eccf79ab4ffb;no cv result;no cv result;no cv result;no cv result;no cv result;no cv result\n";

    #[test]
    fn ranks_ids_and_common_names_are_kept() {
        let hierarchy = draft(LABELS, Format::Speciesnet).build().unwrap();
        assert_eq!(
            hierarchy.to_string(),
            "animal\n  mammalia\n    carnivora\n      ursidae\n        ursus\n          ursus arctos\n    rodentia\n      \
             muridae\n        hylomyscus\n          hylomyscus stella\n  diplopoda\nblank\nno cv result\n"
        );
        assert_eq!(hierarchy.rank_names(), ["kingdom", "class", "order", "family", "genus", "species"]);
        let bear = hierarchy.node("330bb1e9-84d6-4e41-afa9-938aee17ea29").unwrap();
        assert_eq!((hierarchy.name(bear), hierarchy.rank(bear)), ("ursus arctos", Some("species")));
        assert_eq!(hierarchy.synonyms(bear).collect::<Vec<_>>(), ["brown bear"]);
        let mammal = hierarchy.node("f2d233e3-80e3-433d-9687-e29ecc7a467a").unwrap();
        assert_eq!((hierarchy.name(mammal), hierarchy.rank(mammal)), ("mammalia", Some("class")));
        let [animal, blank] = ["animal", "blank"].map(|name| hierarchy.node(name).unwrap());
        assert_eq!((hierarchy.rank(animal), hierarchy.rank(blank)), (Some("kingdom"), None));
        assert_eq!(hierarchy.synonyms(blank).count(), 0);
        let ursidae = hierarchy.node("ursidae").unwrap();
        assert_eq!((hierarchy.id(ursidae), hierarchy.rank(ursidae)), (None, Some("family")));
    }

    #[test]
    fn without_animal_the_classes_are_at_the_top_and_ranks_may_be_missing() {
        let text = "1f689929-883d-4dae-958c-000000000001;aves;;;struthio;camelus;ostrich\n\
                    1f689929-883d-4dae-958c-000000000002;;;ursidae;;;bear\n";
        let hierarchy = read(text).unwrap();
        assert_eq!(hierarchy.to_string(), "aves\n  struthio\n    struthio camelus\nursidae\n");
        assert_eq!(hierarchy.rank(hierarchy.node("struthio").unwrap()), Some("genus"));
    }

    #[test]
    fn a_taxon_with_two_ids_is_found_by_both() {
        let text = "1f689929-883d-4dae-958c-000000000001;aves;;;;;bird\n1f689929-883d-4dae-958c-000000000002;aves;;;;;fowl\n\
                    1f689929-883d-4dae-958c-000000000001;aves;;;;;bird\n";
        let hierarchy = read(text).unwrap();
        let ids = ["1f689929-883d-4dae-958c-000000000001", "1f689929-883d-4dae-958c-000000000002"];
        let [first, second] = ids.map(|id| hierarchy.node(id).unwrap());
        assert_eq!(first, second);
        assert_eq!(
            hierarchy.warnings()[0].to_string(),
            format!("line 2: \"aves [{}]\" has a second id here, \"{}\"", ids[0], ids[1])
        );
    }

    #[test]
    fn problems_have_their_line() {
        let mut bytes = LABELS.as_bytes().to_vec();
        bytes.extend_from_slice(b"a;b;c\n;aves;;;;;bird\nx;aves;\xe4;;;;\ny;aves;a\0;;;;\n1f689929-883d-4dae-958c-3d57ab5b6c16;pisces;;;;;fish\n");
        assert_eq!(
            problems(&draft(bytes, Format::Speciesnet)),
            [
                "line 9: 3 parts; expected 7: id;class;order;family;genus;species;common name",
                "line 10: empty id",
                "line 11: byte 0xe4 is not valid UTF-8; the text is likely in Latin-1 or Windows-1252: save it as UTF-8, from a spreadsheet as \"CSV UTF-8\", or with iconv -f WINDOWS-1252 -t UTF-8",
                "line 12: the name \"a\\0\" holds the control character U+0000",
                "line 13: the id \"1f689929-883d-4dae-958c-3d57ab5b6c16\" of \"pisces\" is that of \"animal\" already",
            ]
        );
    }
}

mod nabirds {
    use super::*;

    fn read(names: &[u8]) -> Result<Hierarchy, klados::HierarchyError> {
        let unique = std::thread::current().name().unwrap_or_default().replace(':', "-");
        let folder = std::env::temp_dir().join(format!("klados-{unique}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("hierarchy.txt"), "1 0\n2 0\n3 1\n4 1\n").unwrap();
        std::fs::write(folder.join("classes.txt"), names).unwrap();
        let hierarchy = Hierarchy::from_path(folder.join("hierarchy.txt"), &ReadOptions::new());
        std::fs::remove_dir_all(&folder).unwrap();
        hierarchy
    }

    #[test]
    fn names_are_in_the_file_beside() {
        let names =
            "0 Birds\n1 Ducks, Geese, and Swans\n2 Loons\n3 Common Eider (Adult male)\n4 Common Eider (Adult male)\r\n";
        let hierarchy = read(names.as_bytes()).unwrap();
        assert_eq!(
            hierarchy.to_string(),
            "Birds\n  Ducks, Geese, and Swans\n    Common Eider (Adult male)\n    Common Eider (Adult male)\n  Loons\n"
        );
        assert_eq!(hierarchy.id(hierarchy.node("Loons").unwrap()), Some("2"));
    }

    #[test]
    fn a_file_about_something_else_is_not_taken() {
        let hierarchy = read(b"7 crow\n8 robin\n").unwrap();
        assert_eq!((hierarchy.to_string().as_str(), hierarchy.has_ids()), ("0\n  1\n    3\n    4\n  2\n", false));
        let error = read(b"0 birds\n1 b\xe4rs\n").unwrap_err();
        assert!(error.to_string().contains("classes.txt:2: byte 0xe4"), "{error}");
    }
}
