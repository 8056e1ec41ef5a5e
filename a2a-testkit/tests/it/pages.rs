//! The pages for authors of backends show code of the examples, which compile and pass the suites.

/// The code in the Rust blocks of a page, line by line, without comments and what is left out.
fn shown(page: &str) -> Vec<&str> {
    let blocks = page.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).filter(|line| !line.contains('…'));
    lines
        .map(|line| line.split("//").next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn every_line_of_code_on_the_pages_for_authors_is_in_an_example() {
    let store = concat!(
        include_str!("../../examples/custom_store/main.rs"),
        include_str!("../../examples/custom_store/store/tasks.rs"),
    );
    let pages = [
        (include_str!("../../../docs/custom-store.md"), store),
        (include_str!("../../../docs/custom-event-bus.md"), include_str!("../../examples/custom_bus.rs")),
    ];
    for (page, example) in pages {
        let shown = shown(page);
        assert!(shown.len() > 5, "no code is shown");
        for line in shown {
            assert!(example.contains(line), "no example has the line {line}");
        }
    }
}
