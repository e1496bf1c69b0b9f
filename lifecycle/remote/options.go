package remote

import "time"

// Opts are the limits of a Dialer. The zero value of each field means the
// default that its comment names.
type Opts struct {
	// DialTimeout bounds the TCP connection; 10 s.
	DialTimeout time.Duration
	// HandshakeTimeout bounds key exchange and authentication; 20 s.
	HandshakeTimeout time.Duration
	// KeepAlive is how often an open connection is asked whether its peer still
	// lives; 5 s. KeepAliveTimeout is how long the answer may take before the
	// connection is given up; 12 s.
	KeepAlive        time.Duration
	KeepAliveTimeout time.Duration
	// RunTimeout bounds a Run whose Options and context set no other; 20 min.
	RunTimeout time.Duration
	// ReattachFor is how long Unit and Upload keep trying to come back to a host
	// that does not answer; 5 min.
	ReattachFor time.Duration
	// MaxSessions on one connection at a time, below sshd's own limit of 10; 8.
	MaxSessions int
	// MaxConns bounds a Pool's connections; 256. IdleFor is how long a Pool
	// keeps a connection that nobody uses; 1 min.
	MaxConns int
	IdleFor  time.Duration
}

func (o Opts) withDefaults() Opts {
	def(&o.DialTimeout, 10*time.Second)
	def(&o.HandshakeTimeout, 20*time.Second)
	def(&o.KeepAlive, 5*time.Second)
	def(&o.KeepAliveTimeout, 12*time.Second)
	def(&o.RunTimeout, 20*time.Minute)
	def(&o.ReattachFor, 5*time.Minute)
	def(&o.MaxSessions, 8)
	def(&o.MaxConns, 256)
	def(&o.IdleFor, time.Minute)
	return o
}

func def[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}
