//! The cluster that the generator tells of: hosts, workloads and what they usually do.

use super::dice::Dice;
use crate::proto::feeder::{ExecEvent, Log, PodOwner};

/// What a kind of workload is and does.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) namespace: &'static str,
    pub(super) name: &'static str,
    pub(super) owner_ref: &'static str,
    pub(super) image: &'static str,
    pub(super) labels: &'static str,
    pub(super) uid: i32,
    pub(super) program: &'static str,
    pub(super) arguments: &'static str,
    pub(super) children: &'static [&'static str],
    pub(super) files: &'static [&'static str],
    pub(super) names: &'static [&'static str],
}

pub(super) const TEMPLATES: &[Template] = &[
    Template {
        namespace: "shop",
        name: "storefront",
        owner_ref: "Deployment",
        image: "docker.io/library/nginx:1.27",
        labels: "app=storefront,tier=web,team=shop",
        uid: 101,
        program: "/usr/sbin/nginx",
        arguments: "-g daemon off;",
        children: &["/usr/sbin/nginx -s reload", "/bin/sh -c /docker-entrypoint.d/20-envsubst.sh"],
        files: &["/etc/nginx/nginx.conf", "/var/log/nginx/access.log", "/usr/share/nginx/html/index.html"],
        names: &["cart.shop.svc.cluster.local", "catalog.shop.svc.cluster.local"],
    },
    Template {
        namespace: "shop",
        name: "cart",
        owner_ref: "Deployment",
        image: "ghcr.io/example/cart:2.4.1",
        labels: "app=cart,tier=backend,team=shop",
        uid: 1000,
        program: "/usr/bin/node",
        arguments: "/srv/cart/server.js",
        children: &["/usr/bin/node /srv/cart/worker.js", "/bin/sleep 5"],
        files: &["/srv/cart/server.js", "/srv/cart/package.json", "/tmp/cart.sock", "/proc/self/status"],
        names: &["redis.data.svc.cluster.local", "api.payments.example.com"],
    },
    Template {
        namespace: "data",
        name: "redis",
        owner_ref: "StatefulSet",
        image: "docker.io/library/redis:7.4",
        labels: "app=redis,tier=cache",
        uid: 999,
        program: "/usr/local/bin/redis-server",
        arguments: "*:6379",
        children: &["/usr/local/bin/redis-cli ping"],
        files: &["/data/dump.rdb", "/data/appendonly.aof", "/etc/redis/redis.conf"],
        names: &[],
    },
    Template {
        namespace: "data",
        name: "postgres",
        owner_ref: "StatefulSet",
        image: "docker.io/library/postgres:16",
        labels: "app=postgres,tier=db,backup=daily",
        uid: 70,
        program: "/usr/lib/postgresql/16/bin/postgres",
        arguments: "-D /var/lib/postgresql/data",
        children: &["/usr/bin/pg_isready -U postgres", "/usr/bin/pg_dump -Fc shop"],
        files: &[
            "/var/lib/postgresql/data/base/16384/2619",
            "/var/lib/postgresql/data/pg_wal/000000010000000000000001",
        ],
        names: &["backup.example.com"],
    },
    Template {
        namespace: "monitoring",
        name: "node-exporter",
        owner_ref: "DaemonSet",
        image: "quay.io/prometheus/node-exporter:v1.8.2",
        labels: "app.kubernetes.io/name=node-exporter",
        uid: 65_534,
        program: "/bin/node_exporter",
        arguments: "--path.rootfs=/host/root",
        children: &["/bin/node_exporter --version"],
        files: &["/proc/stat", "/proc/meminfo", "/sys/class/net/eth0/statistics/rx_bytes"],
        names: &[],
    },
    Template {
        namespace: "factory",
        name: "sensor-gateway",
        owner_ref: "Deployment",
        image: "registry.example.com/factory/sensor-gateway:0.9",
        labels: "app=sensor-gateway,line=3",
        uid: 0,
        program: "/usr/bin/python3",
        arguments: "/opt/gateway/main.py --line 3",
        children: &["/usr/bin/python3 /opt/gateway/poll.py", "/bin/cat /sys/class/thermal/thermal_zone0/temp"],
        files: &["/opt/gateway/main.py", "/var/lib/gateway/queue.db", "/dev/ttyUSB0", "/etc/hosts"],
        names: &["mqtt.factory.example.com", "time.example.net"],
    },
    Template {
        namespace: "batch",
        name: "report",
        owner_ref: "Job",
        image: "docker.io/library/ubuntu:24.04",
        labels: "app=report,job=nightly",
        uid: 0,
        program: "/bin/bash",
        arguments: "/scripts/report.sh",
        children: &[
            "/usr/bin/curl -sf http://catalog.shop/items",
            "/usr/bin/gzip -9 /out/report.csv",
            "/usr/bin/awk -f /scripts/sum.awk",
        ],
        files: &["/scripts/report.sh", "/out/report.csv", "/tmp/report.XXXX", "/var/log/report.log"],
        names: &["catalog.shop.svc.cluster.local"],
    },
];

/// A machine.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) node_id: String,
    /// Its daemon is recent: it fills the newer fields.
    pub(super) recent: bool,
    next_pid: i32,
}

impl Host {
    /// The next process id of the machine.
    pub(super) fn next_pid(&mut self) -> i32 {
        self.next_pid = if self.next_pid > 4_000_000 { 1_000 } else { self.next_pid + 1 };
        self.next_pid
    }
}

/// A running container.
#[derive(Debug)]
pub(super) struct Workload {
    pub(super) template: &'static Template,
    pub(super) host: usize,
    pub(super) pod: String,
    pub(super) container_id: String,
    pub(super) image: String,
    pub(super) host_pid: i32,
    pub(super) exec_id: u64,
    next_pid: i32,
}

impl Workload {
    /// The next process id inside the container.
    pub(super) fn next_pid(&mut self) -> i32 {
        self.next_pid = if self.next_pid > 30_000 { 2 } else { self.next_pid + 1 };
        self.next_pid
    }
}

/// Everything that runs.
#[derive(Debug)]
pub(super) struct World {
    pub(super) hosts: Vec<Host>,
    pub(super) workloads: Vec<Workload>,
}

impl World {
    pub(super) fn new(dice: &mut Dice, hosts: usize, workloads: usize) -> Self {
        let hosts = (0..hosts.max(1)).map(|number| Host {
            name: format!("edge-host-{number:02}"),
            node_id: dice.hex(64),
            // Every third daemon is an older one.
            recent: number % 3 != 2,
            next_pid: 1_000 + dice.below(50_000) as i32,
        });
        let mut hosts: Vec<Host> = hosts.collect();
        let workloads = (0..workloads.max(1)).map(|number| {
            let template = &TEMPLATES[number % TEMPLATES.len()];
            let host = number % hosts.len();
            let tail = dice.hex(5);
            let pod = match template.owner_ref {
                "StatefulSet" => format!("{}-{}", template.name, number / TEMPLATES.len()),
                "Deployment" => format!("{}-{}-{tail}", template.name, dice.hex(9)),
                _ => format!("{}-{tail}", template.name),
            };
            Workload {
                template,
                host,
                pod,
                container_id: dice.hex(64),
                image: format!("{}@sha256:{}", template.image, dice.hex(64)),
                host_pid: hosts[host].next_pid(),
                exec_id: dice.next() >> 12,
                next_pid: 1,
            }
        });
        let workloads = workloads.collect();
        Self { hosts, workloads }
    }

    /// An event of a container, without what happened.
    pub(super) fn container_event(&self, workload: usize) -> Log {
        let workload = &self.workloads[workload];
        let (template, host) = (workload.template, &self.hosts[workload.host]);
        let mut log = self.event_of(workload.host);
        log.namespace_name = template.namespace.into();
        log.owner = Some(PodOwner {
            r#ref: template.owner_ref.into(),
            name: template.name.into(),
            namespace: template.namespace.into(),
        });
        log.pod_name.clone_from(&workload.pod);
        log.labels = template.labels.into();
        log.container_id.clone_from(&workload.container_id);
        log.container_name = template.name.into();
        log.container_image.clone_from(&workload.image);
        log.host_ppid = workload.host_pid - 1;
        log.host_pid = workload.host_pid;
        log.pid = 1;
        log.uid = template.uid;
        log.r#type = "ContainerLog".into();
        log.process_name = template.program.into();
        log.source = format!("{} {}", template.program, template.arguments);
        if host.recent {
            let comm = template.program.rsplit('/').next().unwrap_or_default();
            log.exec_event = Some(ExecEvent {
                exec_id: workload.exec_id.to_string(),
                executable_name: comm.chars().take(15).collect(),
            });
        }
        log
    }

    /// An event of a host itself, without what happened.
    pub(super) fn host_event(&self, host: usize) -> Log {
        let mut log = self.event_of(host);
        log.r#type = "HostLog".into();
        (log.host_ppid, log.host_pid, log.ppid, log.pid) = (1, 812, 1, 812);
        log.parent_process_name = "/usr/lib/systemd/systemd".into();
        log.process_name = "/usr/sbin/sshd".into();
        log.source = "/usr/sbin/sshd -D".into();
        if self.hosts[host].recent {
            log.user_name = "root".into();
            log.exec_event = Some(ExecEvent { exec_id: "0".into(), executable_name: "sshd".into() });
        }
        log
    }

    fn event_of(&self, host: usize) -> Log {
        let host = &self.hosts[host];
        Log {
            cluster_name: "default".into(),
            host_name: host.name.clone(),
            node_id: if host.recent { host.node_id.clone() } else { String::new() },
            cwd: "/".into(),
            result: "Passed".into(),
            ..Log::default()
        }
    }
}
