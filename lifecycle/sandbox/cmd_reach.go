package sandbox

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
)

func (c *call) ss() int {
	o, _ := parseOptions(c.args[1:])
	if o.has("u") && !o.has("t") {
		return 0
	}
	return c.look(func() (string, error) {
		out := ""
		if !o.has("H") && !o.has("no-header") {
			out = "State  Recv-Q Send-Q Local Address:Port  Peer Address:Port Process\n"
		}
		for _, port := range c.m.ports() {
			address := "*"
			switch port {
			case 22:
				address = "0.0.0.0"
			case 10248, 10249, 10257, 10259, 2381:
				address = localhost
			}
			out += fmt.Sprintf("LISTEN 0      4096   %s      %s\n", net.JoinHostPort(address, fmt.Sprint(port)), address+":*")
		}
		return out, nil
	})
}

func (c *call) ping() int {
	o, rest := parseOptions(c.args[1:], "c", "W", "w", "i", "I", "s", "t")
	if len(rest) != 1 {
		return c.fail(1, "ping: usage error: Destination address required")
	}
	host := rest[0]
	return c.look(func() (string, error) {
		to := c.sb.machineAt(c.m, host)
		if _, err := netip.ParseAddr(c.m.resolve(host)); err != nil && to == nil {
			return "", exit(2, "ping: %s: Name or service not known", host)
		}
		count := orElse(o.get("c"), "1")
		head := fmt.Sprintf("PING %s (%s) 56(84) bytes of data.\n", host, host)
		tail := fmt.Sprintf("\n--- %s ping statistics ---\n%s packets transmitted, %%s received, %%s packet loss (simulated)\n", host, count)
		if to == nil {
			return head + fmt.Sprintf(tail, "0", "100%"), exit(1, "")
		}
		return head + fmt.Sprintf("64 bytes from %s: icmp_seq=1 ttl=64 time=0.05 ms\n", host) + fmt.Sprintf(tail, count, "0%"), nil
	})
}

func (c *call) nc() int {
	o, rest := parseOptions(c.args[1:], "w")
	if len(rest) < 2 || !o.has("z") {
		return c.fail(1, "nc: the sandbox knows only nc -z HOST PORT")
	}
	return c.look(func() (string, error) {
		_, port := hostOf(rest[0] + ":" + rest[1])
		to := c.sb.machineAt(c.m, rest[0])
		if to == nil || !slices.Contains(to.ports(), port) {
			return "", exit(1, "nc: connect to %s port %s (tcp) failed: Connection refused", rest[0], rest[1])
		}
		return "", nil
	})
}

func (c *call) getent() int {
	words := append(c.args[1:], "", "")
	return c.look(func() (string, error) {
		switch words[0] {
		case "hosts", "ahosts", "ahostsv4":
			at := c.m.resolve(words[1])
			if _, err := netip.ParseAddr(at); err != nil {
				return "", exit(2, "")
			}
			return fmt.Sprintf("%-15s %s\n", at, words[1]), nil
		case "passwd", "group":
			out := ""
			for line := range strings.Lines(c.m.text("/etc/" + words[0])) {
				if w := strings.Split(line, ":"); words[1] == "" || w[0] == words[1] || len(w) > 2 && w[2] == words[1] {
					out += line
				}
			}
			if out == "" {
				return "", exit(2, "")
			}
			return out, nil
		}
		return "", exit(1, "Unknown database: %s", words[0])
	})
}

// readAll takes what a command gets on standard input.
func (c *call) readAll() (string, error) {
	all, err := io.ReadAll(c.in)
	return string(all), err
}
