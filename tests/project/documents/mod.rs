//! What documents say of the code is printed from the code.

mod codes;
