#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/guest/image.sh DIR: makes DIR/vmlinuz and DIR/initramfs.gz, a guest that takes commands on its serial line, from
# Debian's cloud kernel and busybox. The kernel's package is unpacked into DIR; nothing is installed.
set -eu

here=$(dirname "$0")
dir=$1
metapackage=linux-image-cloud-amd64
# What a guest needs to have a network card, and dependencies of that.
drivers='virtio_pci virtio_net'

fetch() (
	cd "$1"
	package=$(apt-cache depends "$metapackage" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	[ -n "$package" ] || return 1
	apt-get -q -q download "$package"
)

mkdir -p "$dir"
if [ ! -e "$dir/vmlinuz" ]; then
	rm -rf "$dir/kernel"
	mkdir -p "$dir/kernel"
	# Lists of packages that are missing or old: root can bring them up to date.
	fetch "$dir/kernel" 2>/dev/null || { apt-get -q -q update && fetch "$dir/kernel"; }
	dpkg-deb -x "$dir"/kernel/linux-image-*.deb "$dir/kernel"
	rm -f "$dir"/kernel/*.deb
	cp "$dir"/kernel/boot/vmlinuz-* "$dir/vmlinuz.new"
	mv "$dir/vmlinuz.new" "$dir/vmlinuz"
fi
version=$(basename "$dir"/kernel/lib/modules/*)
depmod -b "$dir/kernel" "$version"

root=$dir/root
rm -rf "$root"
mkdir -p "$root/bin" "$root/dev" "$root/etc" "$root/proc" "$root/sys" "$root/tmp" "$root/modules"
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$here/init" "$root/init"
cp "$here/udhcpc.sh" "$root/etc/udhcpc.sh"
chmod 755 "$root/init" "$root/etc/udhcpc.sh"
# In the order in which they are to be loaded.
for driver in $drivers; do
	modprobe -d "$dir/kernel" -S "$version" --show-depends "$driver"
done | sed -n 's/^insmod //p' | awk '!seen[$1]++ { print $1 }' >"$dir/modules"
while read -r module; do
	cp "$module" "$root/modules/"
	basename "$module"
done <"$dir/modules" >"$root/modules/order"
(cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc --quiet) | gzip -1 >"$dir/initramfs.new"
mv "$dir/initramfs.new" "$dir/initramfs.gz"
