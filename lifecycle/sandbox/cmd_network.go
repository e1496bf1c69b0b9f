package sandbox

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// commandsNetwork are the commands about the network.
func commandsNetwork() map[string]func(*call) int {
	return map[string]func(*call) int{
		"ip": (*call).ip, "ss": (*call).ss, "ping": (*call).ping, "getent": (*call).getent, "nc": (*call).nc,
		"iptables-save": (*call).rulesSave, "ip6tables-save": (*call).rulesSave, "iptables-restore": (*call).rulesRestore, "ip6tables-restore": (*call).rulesRestore,
		"iptables": (*call).rulesOne, "ip6tables": (*call).rulesOne, "ipvsadm": (*call).ipvsadm, "conntrack": (*call).quiet, "ipset": (*call).quiet, "ethtool": (*call).quiet,
	}
}

// quiet accepts what has nothing to do on a simulated machine.
func (c *call) quiet() int { return 0 }

const valueRoute = "route."

func (c *call) ip() int {
	o, rest := parseOptions(c.args[1:], "family")
	words := append(rest, "", "", "")
	object := words[0]
	v6 := o.has("6")
	switch {
	case object != "" && strings.HasPrefix("address", object):
		return c.ipAddress(o, words[1], rest[min(2, len(rest)):], v6)
	case object == "ro" || object != "" && strings.HasPrefix("route", object):
		return c.ipRoute(words[1], rest[min(2, len(rest)):], v6)
	case object != "" && strings.HasPrefix("link", object):
		return c.ipLink(words[1], rest[min(2, len(rest)):])
	case strings.HasPrefix(object, "neigh") || object == "netns" || object == "rule":
		return 0
	}
	return c.fail(1, "Object \"%s\" is unknown, try \"ip help\". (the sandbox knows addr, route and link)", object)
}

// after gives the word behind another one.
func after(words []string, word string) string {
	if i := slices.Index(words, word); i >= 0 && i+1 < len(words) {
		return words[i+1]
	}
	return ""
}

func (c *call) ipAddress(o options, verb string, words []string, v6 bool) int {
	switch verb {
	case "", "show", "list", "s", "ls", "sh":
		return c.look(func() (string, error) {
			dev := after(words, "dev")
			if len(words) == 1 {
				dev = words[0]
			}
			out, found := "", dev == ""
			for i, n := range c.m.nics() {
				if dev != "" && n.name != dev {
					continue
				}
				found = true
				if !v6 {
					out += showAddresses(i+1, n, o.has("o") || o.has("oneline") || o.has("br"))
				}
			}
			if !found && !c.m.fs.Exists("/sys/class/net/"+dev) {
				return "", exit(1, "Device \"%s\" does not exist.", dev)
			}
			return out, nil
		})
	case "add", "del", "delete", "replace":
		return c.ipAddressChange(verb, words)
	}
	return c.fail(1, "Command \"%s\" is unknown, try \"ip address help\".", verb)
}

func showAddresses(index int, n nic, oneLine bool) string {
	scope := "global " + n.name
	if n.name == "lo" {
		scope = "host lo"
	}
	out := ""
	if !oneLine {
		out = fmt.Sprintf("%d: %s: <UP,LOWER_UP> mtu 1500 state UP\n", index, n.name)
	}
	for _, p := range n.prefixes {
		if oneLine {
			out += fmt.Sprintf("%d: %s    inet %s scope %s\\       valid_lft forever preferred_lft forever\n", index, n.name, p, scope)
		} else {
			out += fmt.Sprintf("    inet %s scope %s\n       valid_lft forever preferred_lft forever\n", p, scope)
		}
	}
	return out
}

func (c *call) ipAddressChange(verb string, words []string) int {
	if err := c.mustBeRoot("RTNETLINK answers"); err != nil {
		return c.ended(exit(2, "%s", err))
	}
	if len(words) == 0 {
		return c.fail(1, "Not enough information: \"dev\" argument is required.")
	}
	cidr := words[0]
	if !strings.Contains(cidr, "/") {
		cidr += "/32"
	}
	if _, err := netip.ParsePrefix(cidr); err != nil {
		return c.fail(1, "Error: any valid prefix is expected rather than \"%s\".", words[0])
	}
	return c.alter(func(t *tx) error {
		_, there := c.m.values.rows[valueAddress+cidr]
		switch {
		case verb == "add" && there:
			return exit(2, "RTNETLINK answers: File exists")
		case verb == "add" || verb == "replace":
			put(t, c.m.values, valueAddress+cidr, after(words, "dev"))
		case !there:
			return exit(2, "RTNETLINK answers: Cannot assign requested address")
		default:
			drop(t, c.m.values, valueAddress+cidr)
		}
		return nil
	})
}

// network is the machine's own; the gateway is its first address.
func (m *machine) network() (network netip.Prefix, gateway string) {
	a, err := netip.ParseAddr(m.row().IP)
	if err != nil {
		return netip.Prefix{}, ""
	}
	network = netip.PrefixFrom(a, 16).Masked()
	return network, network.Addr().Next().String()
}

func (m *machine) routes() []string {
	network, gateway := m.network()
	out := []string{"default via " + gateway + " dev eth0 ", fmt.Sprintf("%s dev eth0 proto kernel scope link src %s ", network, m.row().IP)}
	for _, n := range m.nics() {
		if p, err := netip.ParsePrefix(n.prefixes[0]); err == nil && n.name == "cni0" {
			out = append(out, fmt.Sprintf("%s dev cni0 proto kernel scope link src %s ", p.Masked(), p.Addr()))
		}
	}
	for _, key := range m.values.keys() {
		if to, ok := strings.CutPrefix(key, valueRoute); ok {
			out = append(out, to+" "+m.values.rows[key]+" ")
		}
	}
	return out
}

func (c *call) ipRoute(verb string, words []string, v6 bool) int {
	switch verb {
	case "", "show", "list", "s", "ls", "default":
		return c.look(func() (string, error) {
			out := ""
			for _, r := range c.m.routes() {
				if !v6 && (len(words) == 0 && verb != "default" || strings.HasPrefix(r, strings.Join(append(words, ""), " ")) || verb == "default" && strings.HasPrefix(r, "default ")) {
					out += r + "\n"
				}
			}
			return out, nil
		})
	case "get":
		return c.look(func() (string, error) {
			if len(words) == 0 {
				return "", exit(1, "need at least a destination address")
			}
			return fmt.Sprintf("%s dev eth0 src %s uid 0 \n    cache \n", words[0], c.m.row().IP), nil
		})
	case "add", "replace", "del", "delete":
		return c.ipRouteChange(verb, words)
	}
	return c.fail(1, "Command \"%s\" is unknown, try \"ip route help\".", verb)
}

func (c *call) ipRouteChange(verb string, words []string) int {
	if len(words) == 0 {
		return c.fail(2, "RTNETLINK answers: No such process")
	}
	if err := c.mustBeRoot("RTNETLINK answers"); err != nil {
		return c.ended(exit(2, "%s", err))
	}
	return c.alter(func(t *tx) error {
		key := valueRoute + words[0]
		_, there := c.m.values.rows[key]
		switch {
		case verb == "add" && there:
			return exit(2, "RTNETLINK answers: File exists")
		case verb == "add" || verb == "replace":
			put(t, c.m.values, key, strings.Join(words[1:], " "))
		case !there:
			return exit(2, "RTNETLINK answers: No such process")
		default:
			drop(t, c.m.values, key)
		}
		return nil
	})
}

func (c *call) ipLink(verb string, words []string) int {
	const dir = "/sys/class/net"
	switch verb {
	case "", "show", "list", "ls":
		return c.look(func() (string, error) {
			out := ""
			for i, name := range c.m.links() {
				if len(words) == 0 || slices.Contains(words, name) {
					out += fmt.Sprintf("%d: %s: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default\n", i+1, name)
				}
			}
			if out == "" {
				return "", exit(1, "Device \"%s\" does not exist.", strings.Join(words, " "))
			}
			return out, nil
		})
	case "del", "delete", "add", "set":
	default:
		return c.fail(1, "Command \"%s\" is unknown, try \"ip link help\".", verb)
	}
	if err := c.mustBeRoot("RTNETLINK answers"); err != nil {
		return c.ended(exit(2, "%s", err))
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "dev" || w == "name" })
	if len(words) == 0 {
		return c.fail(1, "Not enough information: \"dev\" argument is required.")
	}
	return c.alter(func(*tx) error {
		name := words[0]
		switch there := slices.Contains(c.m.links(), name); {
		case verb == "add" && there:
			return exit(2, "RTNETLINK answers: File exists")
		case verb == "add":
			return c.m.dirs(dir + "/" + name)
		case !there:
			return exit(1, "Cannot find device \"%s\"", name)
		case verb == "set":
			return nil
		case name == "lo" || name == "eth0":
			return exit(2, "RTNETLINK answers: Operation not supported")
		}
		return c.m.remove(dir + "/" + name)
	})
}

// links lists the interfaces.
func (m *machine) links() []string {
	out := []string{"lo", "eth0"}
	for _, name := range m.names("/sys/class/net") {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
