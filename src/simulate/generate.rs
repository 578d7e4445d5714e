//! A lively cluster, or numbered events for counting.

use std::collections::VecDeque;
use std::fmt::Write as _;

use super::convert::Produced;
use super::dice::Dice;
use super::kinds::{self, Act, Verdict, alert_from};
use super::story::attack;
use super::world::World;
use crate::proto::feeder::{Alert, Log, Message};

/// One attack begins in so many events, and has one step in so many.
const EVENTS_PER_ATTACK: usize = 2_000;
const EVENTS_PER_STEP: usize = 10;

/// Policies that match what the security modules see.
const VERDICTS: &[Verdict] = &[
    Verdict {
        event_type: "MatchedPolicy",
        policy: "block-sensitive-paths",
        severity: "8",
        tags: "NIST,NIST_800-53_SI-4(18),CIS",
        message: "A sensitive path was touched",
        action: "Block",
        enforcer: "BPFLSM",
        result: "Permission denied",
    },
    Verdict {
        event_type: "MatchedPolicy",
        policy: "harden-file-integrity",
        severity: "1",
        tags: "MITRE,MITRE_T1036_masquerading,MITRE_T1565_data_manipulation",
        message: "Detected and prevented a compromise of file integrity",
        action: "Block",
        enforcer: "AppArmor",
        result: "Permission denied",
    },
    Verdict {
        event_type: "MatchedPolicy",
        policy: "audit-everything",
        severity: "3",
        tags: "",
        message: "",
        action: "Audit",
        enforcer: "eBPF Monitor",
        result: "Passed",
    },
    Verdict {
        event_type: "MatchedPolicy",
        policy: "DefaultPosture",
        severity: "",
        tags: "",
        message: "",
        action: "Block",
        enforcer: "BPFLSM",
        result: "Permission denied",
    },
    Verdict {
        event_type: "MatchedPolicy",
        policy: "allow-shop-only",
        severity: "4",
        tags: "zero-trust",
        message: "Only the shop's own programs may run",
        action: "Allow",
        enforcer: "SELinux",
        result: "Permission denied",
    },
    Verdict {
        event_type: "MatchedPolicy",
        policy: "protect-env",
        severity: "6",
        tags: "preset",
        message: "The environment of a process was read",
        action: "Audit (Block)",
        enforcer: "PRESET-ProtectEnvPreset",
        result: "Permission denied",
    },
];

const FIREWALL: Verdict = Verdict {
    event_type: "MatchedNetworkPolicy",
    policy: "deny-egress",
    severity: "5",
    tags: "network",
    message: "A packet left for an unknown network",
    action: "Block",
    enforcer: "NetworkPolicyEnforcer",
    result: "Permission denied",
};

const USB: Verdict = Verdict {
    event_type: "MatchedHostPolicy",
    policy: "no-usb-storage",
    severity: "9",
    tags: "usb",
    message: "USB storage was plugged in",
    action: "Remove",
    enforcer: "USBDeviceHandler",
    result: "Removed",
};

const SYSCALL: Verdict = Verdict {
    event_type: "MatchedPolicy",
    policy: "audit-syscalls",
    severity: "3",
    tags: "CIS,CIS_Linux",
    message: "An audited system call was made",
    action: "Audit",
    enforcer: "eBPF Monitor",
    result: "Passed",
};

/// System calls that are told twice, once as File or Process and once as Syscall.
const TWINS: &[&str] = &["RMDIR", "UNLINK", "UNLINKAT", "CHOWN", "FCHOWNAT", "PTRACE"];

/// Makes one event after the other.
#[derive(Debug)]
pub struct Generator {
    dice: Dice,
    world: World,
    numbered: bool,
    made: u64,
    twin: Option<Produced>,
    attack: VecDeque<Act>,
    clock: ClockText,
}

impl Generator {
    /// A lively cluster.
    pub fn new(seed: u64, hosts: usize, workloads: usize) -> Self {
        let mut dice = Dice::new(seed);
        let world = World::new(&mut dice, hosts, workloads);
        Self { dice, world, numbered: false, made: 0, twin: None, attack: VecDeque::new(), clock: ClockText::default() }
    }

    /// File logs of one container, whose resource is `/numbered/<n>` with n from 0.
    pub fn numbered(seed: u64) -> Self {
        Self { numbered: true, ..Self::new(seed, 1, 1) }
    }

    /// The next event, as of now.
    pub fn next(&mut self, now_us: i64) -> Produced {
        let number = self.made;
        self.made += 1;
        if self.numbered {
            let mut log = self.world.container_event(0);
            log.operation = "File".into();
            log.resource = format!("/numbered/{number}");
            log.data = "syscall=SYS_OPENAT fd=-100 flags=O_RDONLY".into();
            return self.stamp(Act::from(log), now_us);
        }
        if let Some(twin) = self.twin.take() {
            return twin;
        }
        if self.dice.once_in(EVENTS_PER_STEP)
            && let Some(act) = self.attack.pop_front()
        {
            return self.stamp(act, now_us);
        }
        if self.attack.is_empty() && self.dice.once_in(EVENTS_PER_ATTACK) {
            self.attack = attack(&mut self.world, &mut self.dice);
        }
        self.usual(now_us)
    }

    fn usual(&mut self, now_us: i64) -> Produced {
        let (world, dice) = (&mut self.world, &mut self.dice);
        let workload = dice.below(world.workloads.len());
        let act = match dice.below(1_000) {
            0..200 => kinds::usual_exec(world, workload, dice).into(),
            200..540 => kinds::usual_file(world, workload, dice).into(),
            540..860 => kinds::usual_network(world, workload, dice).into(),
            860..880 => kinds::usual_syscall(world, workload, dice).into(),
            880..930 => kinds::usual_host(world, dice).into(),
            930..940 => kinds::firewall(world, dice).into(),
            940..985 => {
                let log = kinds::guarded(world, workload, dice);
                Act { log, verdict: Some(*dice.pick(VERDICTS)) }
            }
            985..989 => Act { log: kinds::firewall(world, dice), verdict: Some(FIREWALL) },
            989..992 => Act { log: kinds::capability(world, workload), verdict: Some(VERDICTS[0]) },
            992..994 => Act { log: kinds::usual_syscall(world, workload, dice), verdict: Some(SYSCALL) },
            994..996 => Act { log: kinds::device(world, dice), verdict: Some(USB) },
            996..998 => return self.throttle_notice(workload, now_us),
            _ => return self.message(now_us),
        };
        let produced = self.stamp(act, now_us);
        if let Produced::Log(log) = &produced {
            self.twin = twin_of(log);
        }
        produced
    }

    fn stamp(&mut self, act: Act, now_us: i64) -> Produced {
        let mut log = act.log;
        log.timestamp = now_us.div_euclid(1_000_000);
        log.updated_time = self.clock.text(now_us);
        kinds::complete(&mut log);
        match act.verdict {
            Some(verdict) => Produced::Alert(Box::new(alert_from(log, &verdict))),
            None => Produced::Log(Box::new(log)),
        }
    }

    /// The notice that starts 30 seconds without alerts of one container.
    fn throttle_notice(&mut self, workload: usize, now_us: i64) -> Produced {
        let event = self.world.container_event(workload);
        Produced::Alert(Box::new(Alert {
            timestamp: now_us.div_euclid(1_000_000),
            updated_time: self.clock.text(now_us),
            cluster_name: event.cluster_name,
            host_name: event.host_name,
            node_id: event.node_id,
            namespace_name: event.namespace_name,
            pod_name: event.pod_name,
            container_id: event.container_id,
            container_name: event.container_name,
            r#type: "SystemEvent".into(),
            operation: "AlertThreshold".into(),
            max_alerts_per_sec: 10,
            dropping_alerts_interval: 30,
            ..Alert::default()
        }))
    }

    fn message(&mut self, now_us: i64) -> Produced {
        let host = self.dice.below(self.world.hosts.len());
        let (level, text) = *self.dice.pick(&[
            ("INFO", "Detected a container (added/2c7f1d3e)"),
            ("DEBUG", "Updated policy of 3 end points"),
            ("WARN", "Lost Perf Events Count : 12"),
            ("ERROR", "Event dropped due to busy event channel"),
        ]);
        Produced::Message(Message {
            timestamp: now_us.div_euclid(1_000_000),
            updated_time: self.clock.text(now_us),
            cluster_name: "default".into(),
            host_name: self.world.hosts[host].name.clone(),
            host_ip: format!("192.0.2.{}", 10 + host % 200),
            r#type: "Message".into(),
            level: level.into(),
            message: text.into(),
        })
    }
}

/// The second telling of an audited system call, with the same time.
fn twin_of(log: &Log) -> Option<Produced> {
    let syscall = log.data.split(' ').next()?.strip_prefix("syscall=SYS_")?;
    (log.operation != "Syscall" && TWINS.contains(&syscall))
        .then(|| Produced::Log(Box::new(Log { operation: "Syscall".into(), ..log.clone() })))
}

/// Writes instants; the text of the second is kept, since thousands of events share it.
#[derive(Debug, Default)]
struct ClockText {
    second: i64,
    text: String,
}

impl ClockText {
    fn text(&mut self, now_us: i64) -> String {
        let second = now_us.div_euclid(1_000_000);
        if self.text.is_empty() || second != self.second {
            let time = chrono::DateTime::from_timestamp(second, 0).unwrap_or_default();
            self.text = time.format("%Y-%m-%dT%H:%M:%S").to_string();
            self.second = second;
        }
        let mut text = String::with_capacity(27);
        let _ = write!(text, "{}.{:06}Z", self.text, now_us.rem_euclid(1_000_000));
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Generator;
    use crate::simulate::Produced;

    #[test]
    fn the_seed_decides_and_everything_that_the_daemon_can_say_occurs() {
        let (mut one, mut other) = (Generator::new(7, 3, 12), Generator::new(7, 3, 12));
        let mut found = BTreeSet::new();
        let mut execs: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
        for number in 0..30_000_i64 {
            let event = one.next(1_700_000_000_000_000 + number);
            assert_eq!(event, other.next(1_700_000_000_000_000 + number));
            match event {
                Produced::Alert(alert) => {
                    found.extend([
                        alert.operation.clone(),
                        alert.r#type.clone(),
                        alert.action.clone(),
                        alert.enforcer.clone(),
                    ]);
                    if alert.policy_name == "block-exec-in-tmp" {
                        let exec_id = alert.exec_event.expect("a story is linked").exec_id;
                        assert!(execs.get(&exec_id).copied().unwrap_or(0) >= 5, "the story leads up to it");
                    }
                }
                Produced::Log(log) => {
                    found.extend([log.operation.clone(), log.r#type.clone()]);
                    *execs.entry(log.exec_event.unwrap_or_default().exec_id).or_default() += 1;
                }
                Produced::Message(message) => {
                    found.insert(message.level);
                }
            }
        }
        for expected in [
            "Process",
            "File",
            "Network",
            "Capabilities",
            "Syscall",
            "Device",
            "NetworkFirewall",
            "AlertThreshold",
            "MatchedPolicy",
            "MatchedHostPolicy",
            "MatchedNetworkPolicy",
            "SystemEvent",
            "ContainerLog",
            "HostLog",
            "SystemLog",
            "Audit",
            "Block",
            "Allow",
            "Audit (Block)",
            "Remove",
            "BPFLSM",
            "AppArmor",
            "SELinux",
            "eBPF Monitor",
            "PRESET-ProtectEnvPreset",
            "USBDeviceHandler",
            "NetworkPolicyEnforcer",
            "WARN",
        ] {
            assert!(found.contains(expected), "{expected} never occurs");
        }
    }

    #[test]
    fn numbered_events_count() {
        let mut generator = Generator::numbered(1);
        for number in 0..100 {
            let Produced::Log(log) = generator.next(0) else { panic!("no log") };
            assert_eq!(log.resource, format!("/numbered/{number}"));
        }
    }
}
