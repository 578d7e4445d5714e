//! When a process is to stop: at a signal, or when whoever started it is gone.

use std::io::Read;

use tokio::sync::oneshot;

/// What else than a signal stops a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopWith {
    /// Nothing else.
    Signal,
    /// The end of standard input: the process that started this one is gone, or says so.
    StandardInput,
}

/// Returns when the process is to stop.
pub(super) async fn told_to_stop(with: StopWith) -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let input_ended = end_of_input(with);
    tokio::select! {
        signal = tokio::signal::ctrl_c() => signal?,
        _ = terminate.recv() => {}
        () = input_ended => {}
    }
    Ok(())
}

async fn end_of_input(with: StopWith) {
    if with == StopWith::Signal {
        return std::future::pending().await;
    }
    let (ended, wait) = oneshot::channel();
    // A thread of its own: a read of standard input cannot be cancelled, and must not hold up the end.
    let reader = std::thread::Builder::new().name("standard input".to_owned());
    let started = reader.spawn(move || {
        let mut bytes = [0; 256];
        while matches!(std::io::stdin().read(&mut bytes), Ok(count) if count > 0) {}
        // Nobody waits any more when the process stops for another reason.
        let _unheard = ended.send(());
    });
    if started.is_err() || wait.await.is_err() {
        std::future::pending::<()>().await;
    }
}
