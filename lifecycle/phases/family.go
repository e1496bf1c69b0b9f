package phases

import (
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Family is one kind of operating system: the seam between the procedure and
// what a distribution does its own way.
type Family interface {
	// Name is what people call it.
	Name() string
	// System prepares the kernel and the services of a machine.
	System(systemScript) string
	// SystemUndo puts them back.
	SystemUndo(changing) string
	// Packages brings the software onto the machine.
	Packages(packagesScript) string
	// PackagesUndo takes away what Packages brought.
	PackagesUndo(undoPackages) string
	// Versions lists what the package sources have, "NAME VERSION" a line.
	Versions() string
}

// families in the order in which they are tried.
var families = []struct {
	ids    []string
	family Family
}{
	{[]string{"debian", "ubuntu"}, apt{}},
	{[]string{"openEuler", "euleros"}, yum{name: "openEuler", runtimes: []string{"containerd"}}},
	{[]string{"kylin"}, yum{name: "Kylin", runtimes: []string{"containerd", "containerd.io"}}},
	{[]string{"rhel", "centos", "rocky", "almalinux", "ol", "anolis", "fedora"},
		yum{name: "RHEL", runtimes: []string{"containerd.io", "containerd"}}},
}

// familyOf gives the family of a machine by its ID, else by what it says to be
// like; ok is false when we do not know it.
func familyOf(f lifecycle.HostFacts) (Family, bool) {
	for _, id := range append([]string{f.OS}, strings.Fields(f.OSLike)...) {
		for _, fam := range families {
			if slices.ContainsFunc(fam.ids, func(s string) bool { return strings.EqualFold(s, id) }) {
				return fam.family, true
			}
		}
	}
	return nil, false
}

// apt is Debian and Ubuntu; proven.
type apt struct{}

var _ Family = apt{}

// Name implements Family.
func (apt) Name() string { return "Debian" }

// System implements Family.
func (apt) System(d systemScript) string { d.Debian = true; return render("system.sh.tmpl", d) }

// SystemUndo implements Family.
func (apt) SystemUndo(d changing) string {
	return render("system-undo.sh.tmpl", systemScript{changing: d})
}

// Packages implements Family.
func (apt) Packages(d packagesScript) string { return render("packages-apt.sh.tmpl", d) }

// PackagesUndo implements Family.
func (apt) PackagesUndo(d undoPackages) string { return render("packages-undo.sh.tmpl", d) }

// Versions implements Family.
func (apt) Versions() string { return include("versions-apt.sh") }

// yum is RHEL and what is like it, openEuler and Kylin; rendered and compared
// with goldens only.
type yum struct {
	name     string
	runtimes []string // names that containerd's package may have, best first
}

var _ Family = yum{}

// Name implements Family.
func (y yum) Name() string { return y.name }

// System implements Family.
func (yum) System(d systemScript) string {
	d.SELinux, d.Firewalld = true, true
	return render("system.sh.tmpl", d)
}

// SystemUndo implements Family.
func (yum) SystemUndo(d changing) string {
	return render("system-undo.sh.tmpl", systemScript{changing: d, SELinux: true, Firewalld: true})
}

// Packages implements Family.
func (y yum) Packages(d packagesScript) string {
	d.Runtimes = y.runtimes
	return render("packages-yum.sh.tmpl", d)
}

// PackagesUndo implements Family.
func (yum) PackagesUndo(d undoPackages) string {
	d.Rpm = true
	return render("packages-undo.sh.tmpl", d)
}

// Versions implements Family.
func (yum) Versions() string { return include("versions-yum.sh") }
