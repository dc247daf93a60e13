//! Everything that reads what others wrote, fed with anything.
