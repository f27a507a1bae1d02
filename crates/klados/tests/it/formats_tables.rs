//! Tables as people have them: quotes, delimiters, ends of lines, and what spreadsheets leave.

use klados::format::{Draft, Format, ReadOptions};

/// The problems and warnings of a draft with their lines.
fn told(draft: &Draft) -> Vec<String> {
    let problems = draft.problems().iter().map(ToString::to_string);
    problems.chain(draft.warnings().iter().map(ToString::to_string)).collect()
}

fn draft(text: &str) -> Draft {
    Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap().0
}

/// The format that is guessed, and the hierarchy as an outline.
fn read(text: &str) -> (Format, String) {
    let (draft, format) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap();
    (format, draft.build().unwrap().to_string())
}

/// The names in the order in which they first appear.
fn names(draft: &Draft) -> Vec<&str> {
    (0..draft.node_count()).map(|node| draft.name(node)).collect()
}

#[test]
fn quotes_in_a_table_with_tabs_are_part_of_the_names() {
    // As GBIF writes: quotes are characters like others.
    let header = "taxonID\tparentNameUsageID\tscientificName\n";
    let found =
        draft(&format!("{header}1\t\tAnimalia\n2\t1\t\"Corvus major\n3\t1\tPica \"pica\"\n4\t1\t\"Felis\" catus\n"));
    assert_eq!(names(&found), ["Animalia", "\"Corvus major", "Pica \"pica\"", "\"Felis\" catus"]);
    assert_eq!(
        told(&found),
        ["line 3: a quote here is not around a whole field: quotes are taken to be part of the names, in all lines"]
    );
    // Nothing differs where no field begins with one.
    let found = draft(&format!("{header}1\t\tAnimalia\n2\t1\tPica \"pica\"\n"));
    assert_eq!((names(&found), told(&found)), (vec!["Animalia", "Pica \"pica\""], vec![]));
    // As Excel writes: around whole fields.
    let found = draft(&format!("{header}1\t\tAnimalia\n2\t1\t\"Corvus, the \"\"raven\"\"\"\n"));
    assert_eq!((names(&found), told(&found)), (vec!["Animalia", "Corvus, the \"raven\""], vec![]));
}

#[test]
fn a_quoted_field_over_several_lines_is_told() {
    let found = draft("child,parent\ncrow,\"bird\nrobin,bird\nbat,mammal\"\ndog,mammal\n\"x\ny\",bird\n");
    assert_eq!(names(&found)[..2], ["crow", "bird\nrobin,bird\nbat,mammal"]);
    let told = told(&found);
    assert!(
        told[0].starts_with("line 2: a quote opens a field here that ends in line 4: the lines between"),
        "{told:?}"
    );
    assert!(told[1].starts_with("line 6: a quote opens a field here that ends in line 7:"), "{told:?}");
    // No more than 20 of them.
    let many = format!("child,parent\n{}", "\"a\nb\",c\n".repeat(30));
    assert!(self::told(&draft(&many)).contains(&"10 more fields in quotes run over several lines".to_owned()));
}

#[test]
fn a_quote_that_is_closed_nowhere_takes_no_line_with_it() {
    let found = draft("child,parent\ncrow,bird\n\"bat,mammal\ndog,mammal\n");
    assert_eq!(names(&found), ["crow", "bird", "bat", "mammal", "dog"]);
    assert_eq!(
        told(&found),
        [
            "line 3: a quote opens here and is closed nowhere; where it is part of a name, write it twice, and the name in quotes"
        ]
    );
    assert!(found.build().is_err());
}

#[test]
fn the_first_line_of_excel_states_the_delimiter() {
    let found = draft("sep=;\r\nchild;parent\r\ncrow;bird\r\nrobin;bird\r\nbird;bird\r\n");
    assert_eq!(names(&found), ["crow", "bird", "robin"]);
    assert_eq!(told(&found), ["line 5: \"bird\" is given as its own parent"]);
    assert_eq!(read("sep=;\nbird;crow\nbird;robin\nmammal;bat\n").0, Format::Ranks);
    assert_eq!(told(&draft("sep=;\na;b;b\nx;y;z\n")), ["line 2: the header names the column \"b\" twice"]);
}

#[test]
fn the_delimiter_is_what_makes_the_lines_even() {
    let expected = (Format::Edges, "bird\n  crow, black\n  rook, black\n".to_owned());
    assert_eq!(read("name, common;parent\ncrow, black;bird\nrook, black;bird\n"), expected);
    assert_eq!(read("name, common\tparent\ncrow, black\tbird\nrook, black\tbird\n"), expected);
    assert_eq!(read("name|parent\ncrow, black|bird\nrook, black|bird\n"), expected);
    // As the Open Tree of Life writes, with a bar between two tabs.
    let text = "uid\t|\tparent_uid\t|\tname\t|\trank\t|\t\n1\t|\t\t|\tlife\t|\tno rank\t|\t\n2\t|\t1\t|\tEukaryota\t|\tdomain\t|\t\n";
    assert_eq!(read(text), (Format::Edges, "life\n  Eukaryota\n".to_owned()));
    let ranks = "family|genus\nCorvidae|Corvus\nCorvidae|Pica\nStrigidae|Bubo\n";
    assert_eq!(read(ranks).0, Format::Ranks);
    // Paths have bars too, of one length or not.
    for text in ["animal|bird|crow\nanimal|bird|robin\n", "animal|bird\nanimal|bird|robin\n", "a|b\nb|c\nb|d\n"] {
        assert_eq!(read(text).0, Format::Paths, "{text}");
    }
}

#[test]
fn lines_are_counted_whatever_ends_them() {
    let lines = ["child,parent", "crow,bird", "", "\"two", "lines\",bird", "bat,bat", "a,b,c"];
    for end in ["\n", "\r\n", "\r"] {
        for comment in [&[][..], &["# a table", "#", ""]] {
            let text = [comment, &lines[..]].concat().join(end);
            let found = Draft::from_bytes(text.as_bytes(), &ReadOptions::new().format(Format::Edges)).unwrap().0;
            let lines: Vec<u64> = found.problems().iter().filter_map(|problem| problem.location().line).collect();
            let before = comment.len() as u64;
            assert_eq!(lines, [before + 6, before + 7], "{text:?}: {:?}", told(&found));
            assert_eq!(found.warnings()[0].location.line, Some(before + 4), "{text:?}");
        }
    }
    // Ends of several kinds in one file.
    let found = draft("child,parent\rcrow,bird\r\nrobin,bird\nbat,bat\r");
    assert_eq!(found.problems()[0].location().line, Some(4));
}

#[test]
fn cells_that_were_merged_are_told() {
    let found = draft(
        "family,genus,species\nCorvidae,Corvus,Corvus corax\n,,Corvus corone\n,Pica,Pica pica\nTurdidae,Turdus,Turdus merula\n",
    );
    assert_eq!(
        told(&found),
        [
            "line 3: 2 of the lines from here on have no \"family\", so that what they name is at the top; where cells were \
          merged in a spreadsheet, fill the empty ones down first"
        ]
    );
    // Cells below the top may be empty, and so may all above the first that is not.
    assert_eq!(
        told(&draft("family,genus,species\n,Pica,P. pica\nCorvidae,Corvus,C. corax\nCorvidae,,C. x\n")),
        [""; 0]
    );
}

#[test]
fn paths_that_are_there_twice_are_told() {
    let expected = ["line 4: \"crow\" is there already, in line 2, and counts once"];
    assert_eq!(told(&draft("class,species\nbird,crow\nbird,robin\nbird,crow\n")), expected);
    assert_eq!(told(&draft("animal > bat\nanimal > bird > crow\nanimal > bird\nanimal > bird > crow\n")), expected);
    let many = format!("class,species\nbird,robin\n{}", "bird,crow\n".repeat(100));
    let told = told(&draft(&many));
    assert_eq!((told.len(), told[20].as_str()), (21, "79 more lines are there already and count once"));
}

#[test]
fn a_header_that_is_taken_for_an_edge_is_told() {
    let found = draft("taxon,group\ncrow,bird\nrobin,bird\nbird,group\nbat,group\n");
    let told = told(&found);
    assert!(told[0].contains("\"column 2\" is taken to be the parent"), "{told:?}");
    assert_eq!(
        told[1],
        "line 1: a name of the first line stands below as well: it is taken to be an edge, and no header"
    );
}
