//! What can happen: one function per kind of event, with Resource and Data as the daemon writes them.

use super::dice::Dice;
use super::world::World;
use crate::proto::feeder::{Alert, Log};

/// What a policy says about an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verdict {
    pub(super) event_type: &'static str,
    pub(super) policy: &'static str,
    pub(super) severity: &'static str,
    pub(super) tags: &'static str,
    pub(super) message: &'static str,
    pub(super) action: &'static str,
    pub(super) enforcer: &'static str,
    pub(super) result: &'static str,
}

/// Something that happened, and what a policy said about it.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub(super) log: Log,
    pub(super) verdict: Option<Verdict>,
}

impl From<Log> for Act {
    fn from(log: Log) -> Self {
        Self { log, verdict: None }
    }
}

fn with(mut log: Log, operation: &str, resource: impl Into<String>, data: impl Into<String>) -> Log {
    log.operation = operation.into();
    log.resource = resource.into();
    log.data = data.into();
    log
}

/// A new process of a container that runs `command`.
pub(super) fn exec(world: &mut World, workload: usize, command: &str) -> Log {
    let mut log = world.container_event(workload);
    let running = &mut world.workloads[workload];
    let parent = std::mem::take(&mut log.process_name);
    log.ppid = 1;
    log.pid = running.next_pid();
    log.host_ppid = running.host_pid;
    log.host_pid = world.hosts[running.host].next_pid();
    log.source.clone_from(&parent);
    log.parent_process_name = parent;
    log.process_name = command.split(' ').next().unwrap_or_default().to_owned();
    with(log, "Process", command, "syscall=SYS_EXECVE")
}

pub(super) fn usual_exec(world: &mut World, workload: usize, dice: &mut Dice) -> Log {
    let command = dice.pick(world.workloads[workload].template.children);
    if dice.once_in(20) {
        let log = exec(world, workload, command);
        return Log { data: "syscall=SYS_EXECVEAT fd=-100 flag=AT_EMPTY_PATH".into(), ..log };
    }
    exec(world, workload, command)
}

pub(super) fn usual_file(world: &World, workload: usize, dice: &mut Dice) -> Log {
    let path = *dice.pick(world.workloads[workload].template.files);
    let log = world.container_event(workload);
    let data = match dice.below(24) {
        0 => "syscall=SYS_UNLINK".to_owned(),
        1 => "syscall=SYS_UNLINKAT flags=AT_REMOVEDIR".to_owned(),
        2 => "syscall=SYS_RMDIR".to_owned(),
        3 => "syscall=SYS_CHOWN userid=0 group=0".to_owned(),
        4 => "syscall=SYS_FCHOWNAT userid=1000 group=1000 mode=0".to_owned(),
        5 => return with(log, "File", "", format!("syscall=SYS_CLOSE fd={}", dice.below(64))),
        6..10 => "syscall=SYS_OPEN flags=O_RDWR|O_CREAT|O_TRUNC".to_owned(),
        10..13 => "syscall=SYS_OPENAT fd=-100 flags=O_WRONLY|O_CREAT|O_APPEND|O_CLOEXEC".to_owned(),
        _ => "syscall=SYS_OPENAT fd=-100 flags=O_RDONLY|O_CLOEXEC".to_owned(),
    };
    let mut log = with(log, "File", path, data);
    if dice.once_in(30) {
        log.result = (*dice.pick(&["No such file or directory", "Operation not supported", "Unknown (-6)"])).into();
    }
    log
}

/// An address of the cluster's own network.
fn near(dice: &mut Dice) -> String {
    format!("10.42.{}.{}", dice.below(8), 1 + dice.below(250))
}

pub(super) fn usual_network(world: &World, workload: usize, dice: &mut Dice) -> Log {
    let log = world.container_event(workload);
    let port = *dice.pick(&[80_u16, 443, 5_432, 6_379, 8_080, 9_090]);
    let network = |resource: String, data: String| with(log.clone(), "Network", resource, data);
    match dice.below(20) {
        0 => network("domain=AF_INET type=SOCK_STREAM|SOCK_CLOEXEC protocol=TCP".into(), "syscall=SYS_SOCKET".into()),
        1 => network("sa_family=AF_UNIX sun_path=/var/run/nscd/socket".into(), "syscall=SYS_CONNECT fd=3".into()),
        2 => network(String::new(), "syscall=SYS_LISTEN fd=5".into()),
        3 => network(
            format!("sa_family=AF_INET sin_port={port} sin_addr=0.0.0.0"),
            format!("syscall=SYS_BIND fd={}", dice.below(16)),
        ),
        // The daemon writes these words in any order.
        4..8 => {
            let mut words =
                ["sa_family=AF_INET".to_owned(), format!("sin_port={port}"), format!("sin_addr={}", near(dice))];
            let turns = dice.below(3);
            words.rotate_left(turns);
            let call = dice.pick(&["CONNECT", "ACCEPT"]);
            network(words.join(" "), format!("syscall=SYS_{call} fd={}", dice.below(64)))
        }
        8 => network(
            format!("remoteip=2001:db8::{:x} port={port} protocol=TCPv6", 1 + dice.below(4_000)),
            "kprobe=tcp_connect domain=AF_INET6".into(),
        ),
        9..14 => {
            let probe = dice.pick(&["tcp_connect", "tcp_accept"]);
            network(
                format!("remoteip={} port={port} protocol=TCP", near(dice)),
                format!("kprobe={probe} domain=AF_INET"),
            )
        }
        _ => {
            let names = world.workloads[workload].template.names;
            let name = if names.is_empty() { "kubernetes.default.svc.cluster.local" } else { *dice.pick(names) };
            dns(log, name, world.hosts[world.workloads[workload].host].recent, dice)
        }
    }
}

/// A look-up of a name; older daemons join the words with commas.
pub(super) fn dns(log: Log, name: &str, recent: bool, dice: &mut Dice) -> Log {
    let qtype = dice.pick(&["A", "AAAA"]);
    let data = if recent {
        format!("kfunc=UDP_SENDSKB domain={name} daddr=10.43.0.10 qtype={qtype}")
    } else {
        format!("kfunc=UDP_SENDMSG,domain={name},daddr=10.43.0.10,qtype={qtype}")
    };
    with(log, "Network", "sa_family=AF_INET sin_port=53", data)
}

pub(super) fn usual_syscall(world: &World, workload: usize, dice: &mut Dice) -> Log {
    let log = world.container_event(workload);
    let data = *dice.pick(&[
        "syscall=SYS_SETUID userid=101",
        "syscall=SYS_SETGID userid=101",
        "syscall=SYS_MOUNT source=tmpfs target=/mnt filesystem=tmpfs mountflag=0 data=size=64k,mode=755",
        "syscall=SYS_UMOUNT target=/mnt flag=0",
    ]);
    if dice.once_in(5) {
        let data = "syscall=SYS_PTRACE request=PTRACE_ATTACH pid=7 process=/usr/bin/gdb";
        return with(log, "Process", "/usr/bin/gdb -p 7", data);
    }
    with(log, "Syscall", "", data)
}

pub(super) fn usual_host(world: &mut World, dice: &mut Dice) -> Log {
    let host = dice.below(world.hosts.len());
    let mut log = world.host_event(host);
    match dice.below(3) {
        0 => {
            let command = *dice.pick(&[
                "/usr/bin/systemctl status kubelet",
                "/usr/sbin/logrotate /etc/logrotate.conf",
                "/usr/bin/sudo -l",
            ]);
            log.parent_process_name = std::mem::take(&mut log.process_name);
            log.source.clone_from(&log.parent_process_name);
            log.process_name = command.split(' ').next().unwrap_or_default().to_owned();
            log.host_ppid = log.host_pid;
            log.host_pid = world.hosts[host].next_pid();
            (log.ppid, log.pid) = (log.host_ppid, log.host_pid);
            log.tty = if dice.once_in(2) { "pts0".into() } else { String::new() };
            with(log, "Process", command, "syscall=SYS_EXECVE")
        }
        1 => with(log, "File", "/etc/ssh/sshd_config", "syscall=SYS_OPENAT fd=-100 flags=O_RDONLY"),
        _ => with(
            log,
            "Network",
            format!("remoteip={} port=22 protocol=TCP", near(dice)),
            "kprobe=tcp_accept domain=AF_INET",
        ),
    }
}

/// A packet that the network policies saw; it has no process.
pub(super) fn firewall(world: &World, dice: &mut Dice) -> Log {
    let mut log = world.host_event(dice.below(world.hosts.len()));
    (log.host_ppid, log.host_pid, log.ppid, log.pid) = (0, 0, 0, 0);
    log.parent_process_name.clear();
    log.process_name.clear();
    log.source.clear();
    log.r#type = "SystemLog".into();
    let direction = *dice.pick(&["EGRESS", "INGRESS"]);
    let data = format!(
        "SourceIP={} SourcePort={} DestinationIP=203.0.113.{} DestinationPort=443 Protocol=TCP",
        near(dice),
        30_000 + dice.below(30_000),
        dice.below(250)
    );
    with(log, "NetworkFirewall", direction, data)
}

/// A USB device at a host.
pub(super) fn device(world: &World, dice: &mut Dice) -> Log {
    let mut log = world.host_event(dice.below(world.hosts.len()));
    (log.host_ppid, log.host_pid, log.ppid, log.pid) = (0, 0, 0, 0);
    log.process_name.clear();
    log.parent_process_name.clear();
    log.source.clear();
    let data = "Class=8 SubClass=6 Protocol=80 Level=1 SysPath=/sys/bus/usb/devices/1-3:1.0";
    with(log, "Device", "USB MASS-STORAGE", data)
}

pub(super) fn capability(world: &World, workload: usize) -> Log {
    with(world.container_event(workload), "Capabilities", "CAP_NET_RAW", "lsm=CAPABLE CAP_NET_RAW")
}

/// An access that the kernel's security modules saw.
pub(super) fn guarded(world: &mut World, workload: usize, dice: &mut Dice) -> Log {
    let log = world.container_event(workload);
    match dice.below(6) {
        0 => {
            let log = exec(world, workload, "/usr/bin/apt-get -y update");
            Log { data: "lsm=SECURITY_BPRM_CHECK".into(), ..log }
        }
        1 => with(log, "Network", "protocol=TCP type=SOCK_STREAM", "lsm=SOCKET_CREATE protocol=TCP type=SOCK_STREAM"),
        2 => with(log, "Network", "bad.example.org", "lsm=SOCKET_SENDMSG domain=bad.example.org"),
        _ => {
            let hook = *dice.pick(&["FILE_OPEN", "FILE_PERMISSION", "UNLINK", "MKDIR", "RENAME", "CHMOD"]);
            let path =
                *dice.pick(&["/etc/shadow", "/usr/bin/.hidden", "/var/log/auth.log", "/root/.ssh/authorized_keys"]);
            with(log, "File", path, format!("lsm={hook}"))
        }
    }
}

/// The words of Data, and of Resource for network events, as recent daemons list them.
fn event_data(log: &Log) -> impl Iterator<Item = (String, String)> {
    let resource = if log.operation == "Network" { log.resource.as_str() } else { "" };
    log.data.split_whitespace().chain(resource.split_whitespace()).filter_map(|word| {
        let (key, value) = word.split_once('=')?;
        Some((key[..1].to_uppercase() + &key[1..], value.to_owned()))
    })
}

/// Fills in what recent daemons add.
pub(super) fn complete(log: &mut Log) {
    if !log.node_id.is_empty() {
        log.event_data = event_data(log).collect();
    }
}

/// The alert that the daemon makes of an event.
pub(super) fn alert_from(log: Log, verdict: &Verdict) -> Alert {
    let recent = !log.node_id.is_empty();
    let tags = verdict.tags;
    Alert {
        timestamp: log.timestamp,
        updated_time: log.updated_time,
        cluster_name: log.cluster_name,
        host_name: log.host_name,
        node_id: log.node_id,
        namespace_name: log.namespace_name,
        owner: log.owner,
        pod_name: log.pod_name,
        labels: log.labels,
        container_id: log.container_id,
        container_name: log.container_name,
        container_image: log.container_image,
        host_ppid: log.host_ppid,
        host_pid: log.host_pid,
        ppid: log.ppid,
        pid: log.pid,
        uid: log.uid,
        user_name: log.user_name,
        parent_process_name: log.parent_process_name,
        process_name: log.process_name,
        source: log.source,
        operation: log.operation,
        resource: log.resource,
        data: log.data,
        cwd: log.cwd,
        tty: log.tty,
        exec_event: log.exec_event,
        process_hash: log.process_hash,
        parent_hash: log.parent_hash,
        resource_hash: log.resource_hash,
        hash_algo: log.hash_algo,
        event_data: log.event_data,
        r#type: verdict.event_type.into(),
        policy_name: verdict.policy.into(),
        severity: verdict.severity.into(),
        tags: tags.into(),
        a_tags: tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
        message: verdict.message.into(),
        action: verdict.action.into(),
        enforcer: verdict.enforcer.into(),
        result: verdict.result.into(),
        kube_armor_version: if recent { "v1.6.3".into() } else { String::new() },
        ..Alert::default()
    }
}
