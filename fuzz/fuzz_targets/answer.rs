#![cfg_attr(fuzzing, no_main)]
tidegate_fuzz::target!(answer);
