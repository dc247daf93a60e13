#[test]
fn x() {
    for (name, target) in fuzz::TARGETS { println!("{name}"); target(b"abc"); }
}
