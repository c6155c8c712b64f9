//! Tests of the program and of the repository around it. One binary; a module for each subject.

mod layers;
mod tidy;
