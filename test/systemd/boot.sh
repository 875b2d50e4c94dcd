#!/bin/bash
# Boots systemd as PID 1 of its own namespaces; to be run by unshare, see machine.ts. All that is written is lost.
#   boot.sh ROOT SHARE TOP: a Debian root, read only; a folder that appears as /srv; an empty folder to mount on.
set -euo pipefail
readonly root=$1 share=$2 top=$3

mount --make-rprivate /
ip link set lo up
mount -t tmpfs tmpfs "$top"
mkdir "$top"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=$root,upperdir=$top/upper,workdir=$top/work" "$top/root"
cd "$top/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
  touch "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount --bind "$share" srv
ln -sf /dev/null etc/systemd/system/console-getty.service
: >etc/machine-id
mkdir -p old
pivot_root . old
umount -l /old
# As systemd does where it is in no container: it mounts credentials in a namespace of their own, whence they must come back.
mount --make-rshared /
exec env -i container=unshare /lib/systemd/systemd --system systemd.unified_cgroup_hierarchy=1
