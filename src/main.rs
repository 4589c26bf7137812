//! The program `lectern`. All of its code is in the library.

use std::process::ExitCode;

/// Returns freed memory to the system, which the allocator of the C library keeps after a peak.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(lectern::cli::main(std::env::args_os())).into(),
        Err(error) => {
            eprintln!("lectern: cannot start threads: {error}");
            ExitCode::FAILURE
        }
    }
}
