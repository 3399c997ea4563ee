#!/bin/bash
# A node: a network namespace, mounts and cgroups of its own, in which the parts of
# Kubernetes are started with nsenter. It ends when its standard input does, and takes
# all with it that runs in its cgroups.
#
#   CGROUPS  directories, one for each hierarchy, that are the node's
set -eu
for c in $CGROUPS; do echo $$ >"$c/cgroup.procs"; done
exec unshare -C bash -eu -c '
mount --make-rprivate /
hierarchies=$(awk -F: "\$2 != \"\" {print \$2}" /proc/self/cgroup)
mount -t tmpfs -o mode=755 none /sys/fs/cgroup
if [[ -n $hierarchies ]]; then
	for h in $hierarchies; do
		mkdir -p "/sys/fs/cgroup/${h#name=}"
		if [[ $h == name=* ]]; then h=none,$h; fi
		mount -t cgroup -o "$h" cgroup "/sys/fs/cgroup/${h#none,name=}"
	done
else
	umount /sys/fs/cgroup
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi

# The usual places of a node, seen by nobody else. Those that the machine lacks are made in an
# overlay, so that it has none afterwards either.
mount -t tmpfs -o mode=755 none /run
for d in /var/lib /usr/libexec; do
	mkdir -p /run/over$d /run/work$d
	mount -t overlay -o lowerdir=$d,upperdir=/run/over$d,workdir=/run/work$d none $d
done
for d in /opt /var/log /var/lib/kubelet /var/lib/containerd /var/lib/cni /var/lib/etcd /usr/libexec/kubernetes; do
	mkdir -p $d
	mount -t tmpfs -o mode=755 none $d
done
mount --make-rshared /
mkdir -p /run/containerd /run/lock /run/netns /run/cni

# The kubelet sets these for the whole machine. It is shown files that say so already.
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
	kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
	f=/run/sysctl.$(basename "${setting%=*}")
	echo "${setting#*=}" >"$f"
	mount --bind "$f" "/proc/sys/${setting%=*}"
done
ip link set lo up
sysctl -qw net.ipv4.ip_forward=1
echo ready

while read -r _; do :; done # until our parent is gone
mine() { find /sys/fs/cgroup -name cgroup.procs -exec cat {} + 2>/dev/null | sort -un | grep -vx -e $$ -e 0; }
for _ in 1 2 3 4 5 6 7 8 9 10; do
	# What these subshells were is gone by the time it is to be ended.
	kill -9 $(mine) 2>/dev/null || true
	sleep 0.05
done
find /sys/fs/cgroup -mindepth 2 -depth -type d -exec rmdir {} \; 2>/dev/null || true
'
