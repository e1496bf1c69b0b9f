package commands

import (
	"context"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Kind says how a command is confirmed (see the confirmation table of the access
// design).
type Kind int

// The kinds, mildest first.
const (
	Read        Kind = iota // nothing to confirm
	Change                  // changes settings or records: carried out at once, audited
	Additive                // preview with a button; implied in scripts
	Disruptive              // preview with a button; confirm=NAME in scripts
	Destructive             // the name typed again; confirm=NAME in scripts
)

// Mutates reports whether commands of this kind change anything.
func (k Kind) Mutates() bool { return k != Read }

// Word is a noun, a verb or an option: its canonical English name and the other
// ways to say it, Chinese and short.
type Word struct {
	Name    string
	Aliases []string
}

// ParamType is how a value is read, checked and completed.
type ParamType string

// The types of values.
const (
	TypeName    ParamType = "name"    // a new DNS label, at most 40 characters
	TypeText    ParamType = "text"    // any text
	TypeInt     ParamType = "int"     // within Min and Max
	TypeBool    ParamType = "bool"    // yes no true false on off 是 否 开 关; the bare option means yes
	TypeChoice  ParamType = "choice"  // one of Choices
	TypeSecret  ParamType = "secret"  // never typed in clear: a reference or asked for
	TypeFile    ParamType = "file"    // a reference to an upload
	TypeAddress ParamType = "address" // IP or host name
	TypeCIDR    ParamType = "cidr"
	TypeVersion ParamType = "version" // 1.33 or v1.33.13
	TypeList    ParamType = "list"    // a,b,c
	TypeCount   ParamType = "count"   // a number, or a list of host names: 3 | h1,h2,h3
	TypeUser    ParamType = "user"    // an existing one; so are the following
	TypeProject ParamType = "project"
	TypeCluster ParamType = "cluster" // NAME or PROJECT/NAME
	TypeHost    ParamType = "host"
	TypeOp      ParamType = "op" // op-12 or 12
	TypeBundle  ParamType = "bundle"
	TypeCred    ParamType = "credential"
	TypeRegion  ParamType = "region"
)

// Param is one argument or option.
type Param struct {
	Word
	Type     ParamType
	Required bool
	// Default in canonical form; "" = none. Shown in help and forms.
	Default string
	Choices []Word // TypeChoice; the canonical Name is what handlers see
	Min     int    // TypeInt, TypeCount
	Max     int
	// Hidden options work but are not offered (confirm).
	Hidden bool
}

// Spec declares one command; nothing about it is declared twice.
type Spec struct {
	Noun Word // Name "" for the verbs that stand alone: help, whoami, lang, link
	Verb Word
	// Args are positional, in order; each may also be given as NAME=value.
	Args    []Param
	Options []Param
	Needs   access.Permission
	// NeedsWith is what a command takes with its values, where that differs; nil:
	// Needs.
	NeedsWith func(v Values) access.Permission
	Kind      Kind
	// Examples in canonical form, valid for the parser; a test parses them.
	Examples []string
	// ExampleZH is one example in Chinese words.
	ExampleZH string
	// Scope tells the router which project or cluster the command is about.
	Scope Scope
	// Direct commands may be used only where nobody else reads along.
	Direct bool
	// Plan makes the preview that is confirmed (Additive and up). It changes
	// nothing and may talk to hosts.
	Plan func(ctx context.Context, c *Call) (*Preview, error)
	// Run does the command. For a mutating one it must do its writes in the
	// Outcome's Commit.
	Run func(ctx context.Context, c *Call) (*Outcome, error)
}

// needs is the permission that the command takes with these values.
func (s *Spec) needs(v Values) access.Permission {
	if s.NeedsWith != nil {
		return s.NeedsWith(v)
	}
	return s.Needs
}

// Name is "cluster create"; the catalogue key of its summary is
// "cmd.cluster.create", of a parameter "param.<name>" or, where the command needs
// its own words, "cmd.cluster.create.<name>".
func (s *Spec) Name() string {
	if s.Noun.Name == "" {
		return s.Verb.Name
	}
	return s.Noun.Name + " " + s.Verb.Name
}

// Scope says what a command is about, and so where its permission is looked up.
type Scope int

// The scopes.
const (
	ScopeSystem    Scope = iota // nothing in particular
	ScopeProject                // the option or argument "project", else the room's default
	ScopeCluster                // the argument "cluster"
	ScopeOperation              // the argument "operation", and its cluster
)

// Preview is what a plan shows before it is confirmed.
type Preview struct {
	Target string      // the name to type again
	Hash   string      // what is confirmed; drift asks again
	Body   bot.Message // in the asker's language, without actions
	// Blocked says that it cannot be done; Body then tells every problem.
	Blocked bool
	// Value is handed to Run, so that nothing is worked out twice.
	Value any
}

// Outcome is what a command did: a reply, and the writes that go with it.
type Outcome struct {
	Reply bot.Message
	// Commit does the command's writes in the router's transaction, together
	// with the audit line and the end of the inbound message. It may replace
	// the reply.
	Commit func(ctx context.Context) (bot.Message, error)
	// Operation is set, after Commit, when an operation was started: the reply
	// becomes its living card.
	Operation *lifecycle.Operation
	// After runs once the transaction is committed, for what cannot be part of it
	// (files). Its failure is logged, not told.
	After func(ctx context.Context) error
	// Target and Detail go to the audit.
	Target, Detail string
}

// Call is one parsed and authorised command.
type Call struct {
	Spec    *Spec
	In      bot.Inbound
	Subject access.Subject
	Lang    string // "zh" or "en"
	Values  Values
	Project *lifecycle.Project   // ScopeProject and narrower
	Cluster *lifecycle.Cluster   // ScopeCluster
	Op      *lifecycle.Operation // ScopeOperation
	Preview *Preview             // what Plan made
	Zone    *time.Location       // the asker's time zone
	// Words puts a canonical command into the words of the asker's language.
	Words func(canonical string) string

	// may reports whether who reads the answer may give a canonical command; nil:
	// nobody in particular reads it.
	may       func(canonical string) bool
	catalogue *messages.Catalogue
	parsed    *Parsed
	canonical string // the command as typed, canonical, secrets left out
}

// Say renders a catalogue key in the asker's language.
func (c *Call) Say(key string, kv ...any) string { return c.text(lifecycle.T(key, kv...)) }

func (c *Call) text(t lifecycle.Text) string { return c.catalogue.Text(c.Lang, t) }

// Values are a command's arguments and options by canonical name, in canonical
// form, defaults filled in.
type Values map[string]Value

// Value is one value.
type Value struct {
	Text  string   // canonical
	List  []string // TypeList, and TypeCount given as names
	Int   int      // TypeInt, TypeCount given as a number
	Ref   *bot.Ref // TypeSecret, TypeFile
	Given bool     // false: the default
}

// Text gives the canonical text of a value, "" when absent.
func (v Values) Text(name string) string { return v[name].Text }

// Int gives a number, 0 when absent.
func (v Values) Int(name string) int { return v[name].Int }

// Bool reports whether a TypeBool is yes.
func (v Values) Bool(name string) bool { return v[name].Text == "yes" }

// Secret gives the content behind a reference, without a trailing newline.
func (v Values) Secret(name string) string {
	r := v[name].Ref
	if r == nil {
		return ""
	}
	return trimNewline(string(r.Inline))
}

func trimNewline(s string) string {
	for len(s) > 0 && (s[len(s)-1] == '\n' || s[len(s)-1] == '\r') {
		s = s[:len(s)-1]
	}
	return s
}
