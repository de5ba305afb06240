#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/guest/host_image.sh DIR BUILD OUT: makes OUT/host-initramfs.gz, a guest that is a KVM host itself: the guest of
# image.sh in DIR with netd from BUILD, QEMU, and all modules that a host's network needs, vhost-net among them.
set -eu

dir=$(realpath "$1")
build=$(realpath "$2")
out=$(realpath "$3")
root=$out/host-root
version=$(basename "$dir"/kernel/lib/modules/*)
modules='tun macvtap vhost_net veth bridge nf_tables nft_meta_bridge nft_limit nft_connlimit nft_hash nft_ct nft_log nft_masq nft_chain_nat nft_nat nft_fib nft_fib_ipv4 nft_fib_ipv6
	nft_fib_inet nfnetlink_log nf_conntrack inet_diag tcp_diag udp_diag 8021q ifb sch_tbf sch_ingress cls_u32 act_mirred'
programs="/usr/bin/qemu-system-x86_64 /usr/bin/kmod /usr/bin/ip /usr/sbin/bridge $build/netd/netd $build/netd/netd-capture
	$build/netd/netdctl $build/tests/netns/testvmm"
# QEMU loads its accelerator as a module.
accelerator=$(dpkg -L qemu-system-common | grep '/accel-tcg-x86_64\.so$')
firmware='/usr/share/seabios/bios-256k.bin /usr/share/qemu/linuxboot_dma.bin /usr/share/qemu/kvmvapic.bin
	/usr/lib/ipxe/qemu/efi-virtio.rom'

# A file with the directory that it is in; a link as what it points to.
take() {
	mkdir -p "$root$(dirname "$1")"
	cp -L "$1" "$root$1"
}

rm -rf "$root"
cp -a "$dir/root" "$root"
mkdir -p "$root/usr/bin"
for program in $programs; do
	cp "$program" "$root/usr/bin/"
	ldd "$program" | grep -o '/[^ ]*' | sort -u | while read -r library; do
		[ -e "$root$library" ] || take "$library"
	done
done
for file in $firmware $accelerator; do
	take "$file"
done
mkdir -p "$root/sbin"
ln -s /usr/bin/kmod "$root/sbin/modprobe"
for module in $modules; do
	modprobe -d "$dir/kernel" -S "$version" --show-depends "$module"
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u | while read -r module; do
	relative=${module#"$dir/kernel"}
	mkdir -p "$root$(dirname "$relative")"
	cp "$module" "$root$relative"
done
cp "$dir"/kernel/lib/modules/"$version"/modules.order "$dir"/kernel/lib/modules/"$version"/modules.builtin* \
	"$root/lib/modules/$version/"
depmod -b "$root" "$version"
# What runs there; not this.
for script in "$(dirname "$0")"/host_*.sh; do
	[ "$script" = "$0" ] || cp "$script" "$root/"
done
cp "$dir/vmlinuz" "$dir/initramfs.gz" "$root/"
(cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc --quiet) | gzip -1 >"$out/host-initramfs.new"
mv "$out/host-initramfs.new" "$out/host-initramfs.gz"
