package sandbox

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	haproxyConfig    = "/etc/haproxy/haproxy.cfg"
	keepalivedConfig = "/etc/keepalived/keepalived.conf"
	// valueAddress and a prefix is an address that was added by hand.
	valueAddress = "address."
)

// on reports whether a machine has power.
func (m *machine) on() bool { return m.row().Power == powerOn }

// route finds where a simulated address and port, as the machine m sees them,
// really listens on this machine's loopback. The errors are the kernel's. m may
// be nil for somebody outside.
func (sb *Sandbox) route(m *machine, host string, port int) (string, error) {
	to := sb.machineAt(m, host)
	if to == nil {
		return "", fmt.Errorf("dial tcp %s: connect: no route to host", hostPort(host, port))
	}
	if port == 22 {
		return hostPort(localhost, to.row().Port), nil
	}
	if addr, ok := to.apiAt(port); ok {
		return addr, nil
	}
	if addr, ok := to.balanced(port); ok {
		return addr, nil
	}
	return "", fmt.Errorf("dial tcp %s: connect: connection refused", hostPort(host, port))
}

// machineAt finds the machine that answers for an address or a name.
func (sb *Sandbox) machineAt(from *machine, host string) *machine {
	if a, err := netip.ParseAddr(host); host == "localhost" || err == nil && a.IsLoopback() {
		return from
	}
	if from != nil {
		host = from.resolve(host)
	}
	for _, id := range sb.machines.keys() {
		if m := sb.disks[id]; m != nil && m.on() && m.row().IP == host {
			return m
		}
	}
	for _, id := range sb.machines.keys() {
		if m := sb.disks[id]; m != nil && m.on() && slices.Contains(m.addresses()[1:], host) {
			return m
		}
	}
	return nil
}

// resolve looks a name up in /etc/hosts, and among the machines of the same
// owner; what it does not know stays as it is.
func (m *machine) resolve(name string) string {
	for line := range strings.Lines(m.text("/etc/hosts")) {
		line, _, _ = strings.Cut(line, "#")
		if w := strings.Fields(line); len(w) > 1 && slices.Contains(w[1:], name) {
			return w[0]
		}
	}
	if name == m.hostname() {
		return m.row().IP
	}
	for _, id := range m.sb.machines.keys() {
		if row := m.sb.machines.rows[id]; row.Name == name && row.Owner == m.row().Owner {
			return row.IP
		}
	}
	return name
}

// apiAt is the API server that listens on this machine itself.
func (m *machine) apiAt(port int) (string, bool) {
	if port != apiServerPort || !m.controlPlaneUp() {
		return "", false
	}
	return hostPort(localhost, m.clusterOf().row().Port), true
}

// balanced follows haproxy to the first server that is ready.
func (m *machine) balanced(port int) (string, bool) {
	if m.state("haproxy.service") != active {
		return "", false
	}
	for _, f := range parseHAProxy(m.text(haproxyConfig)).fronts {
		if f.port != port {
			continue
		}
		for _, s := range f.servers {
			host, port := hostOf(s)
			if to := m.sb.machineAt(m, host); to != nil {
				if addr, ok := to.apiAt(port); ok {
					return addr, true
				}
			}
		}
	}
	return "", false
}

// front is a port of haproxy and the servers behind it.
type front struct {
	port    int
	servers []string // host:port
	backend string
}

type haproxySetup struct {
	fronts []front
	wrong  string // the first line that haproxy would refuse
}

// haproxyWords begin lines that haproxy knows; everything else is refused.
func haproxyWords() []string {
	return []string{"log", "user", "group", "daemon", "chroot", "stats", "maxconn", "mode", "option", "timeout", "bind", "default_backend", "balance",
		"http-check", "tcp-check", "default-server", "server", "errorfile", "ca-base", "crt-base", "ssl-default-bind-ciphers", "ssl-default-bind-ciphersuites",
		"ssl-default-bind-options", "retries", "no", "acl", "use_backend", "tcp-request", "pidfile", "nbthread"}
}

// parseHAProxy reads the parts of a configuration that say where connections go.
func parseHAProxy(text string) haproxySetup {
	var setup haproxySetup
	servers := map[string][]string{}
	section, name, n := "", "", 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		w := strings.Fields(line)
		if len(w) == 0 {
			continue
		}
		switch {
		case slices.Contains([]string{"global", "defaults", "frontend", "backend", "listen"}, w[0]):
			section, name = w[0], strings.Join(w[1:min(len(w), 2)], "")
			if section == "frontend" || section == "listen" {
				setup.fronts = append(setup.fronts, front{backend: name})
			}
		case section == "" || !slices.Contains(haproxyWords(), w[0]):
			if setup.wrong == "" {
				setup.wrong = fmt.Sprintf("[ALERT]    (1) : config : parsing [%%s:%d] : unknown keyword '%s' in '%s' section", n, w[0], section)
			}
		default:
			setup.line(section, name, w, servers)
		}
	}
	for i := range setup.fronts {
		setup.fronts[i].servers = servers[setup.fronts[i].backend]
	}
	return setup
}

func (s *haproxySetup) line(section, name string, w []string, servers map[string][]string) {
	if w[0] == "server" && len(w) > 2 {
		servers[name] = append(servers[name], w[2])
	}
	if section != "frontend" && section != "listen" || len(w) < 2 {
		return
	}
	last := &s.fronts[len(s.fronts)-1]
	switch w[0] {
	case "bind":
		if port, err := strconv.Atoi(w[1][strings.LastIndex(w[1], ":")+1:]); err == nil {
			last.port = port
		}
	case "default_backend":
		last.backend = w[1]
	}
}

// vrrp is what keepalived was told.
type vrrp struct {
	address  string // with its length
	priority int
	router   string
	watches  bool // it gives the address up without haproxy
}

var (
	vrrpPriority = regexp.MustCompile(`(?m)^\s*priority\s+(\d+)`)
	vrrpRouter   = regexp.MustCompile(`(?m)^\s*virtual_router_id\s+(\d+)`)
	vrrpAddress  = regexp.MustCompile(`virtual_ipaddress\s*\{\s*([0-9a-fA-F.:]+(?:/\d+)?)`)
	vrrpTrack    = regexp.MustCompile(`track_script\s*\{`)
)

func parseKeepalived(text string) (vrrp, bool) {
	at := vrrpAddress.FindStringSubmatch(text)
	if at == nil {
		return vrrp{}, false
	}
	v := vrrp{address: at[1], priority: 100, watches: vrrpTrack.MatchString(text)}
	if p := vrrpPriority.FindStringSubmatch(text); p != nil {
		if n, err := strconv.Atoi(p[1]); err == nil {
			v.priority = n
		}
	}
	if r := vrrpRouter.FindStringSubmatch(text); r != nil {
		v.router = r[1]
	}
	if !strings.Contains(v.address, "/") {
		v.address += "/32"
	}
	return v, true
}

// offersAddress says which shared address keepalived on this machine would take.
func (m *machine) offersAddress() (vrrp, bool) {
	if !m.on() || m.state("keepalived.service") != active {
		return vrrp{}, false
	}
	v, ok := parseKeepalived(m.text(keepalivedConfig))
	if !ok || v.watches && m.state("haproxy.service") != active {
		return vrrp{}, false
	}
	return v, true
}

// virtualAddress is the shared address, with its length, that this machine holds
// now: the one with the highest priority does.
func (m *machine) virtualAddress() string {
	mine, ok := m.offersAddress()
	if !ok {
		return ""
	}
	for _, id := range m.sb.machines.keys() {
		other := m.sb.disks[id]
		if other == nil || other == m {
			continue
		}
		o, ok := other.offersAddress()
		if ok && o.address == mine.address && (o.priority > mine.priority || o.priority == mine.priority && other.row().IP > m.row().IP) {
			return ""
		}
	}
	return mine.address
}
