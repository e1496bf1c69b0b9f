package rooms

import (
	"context"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// patience is how long a room may take to show something; most of it is the
// platforms' rates.
const patience = 60 * time.Second

// The people of a day.
const (
	alice = "alice"
	bob   = "bob"
)

// note is one message of the bot as its room shows it now.
type note struct{ id, text string }

// venue is an account on a fake platform, with people who write and press there.
type venue interface {
	// config is the account's section of the configuration, with env for secrets.
	config() (section string, env []string)
	// meet lets the platform and the program find each other.
	meet(t *testing.T, s *drive.Server)
	// private is the room of a person alone with the bot, common one where others
	// read along; where the platform has none it is the private one.
	private(who string) string
	common(who string) string
	say(ctx context.Context, who, room, text string) error
	// redelivery delivers what was said last once more, with the same id, as the
	// platform does when it missed the acknowledgement.
	redelivery() func(ctx context.Context) error
	// button gives the newest button with this label that who sees in the room, to
	// be pressed whatever becomes of its message.
	button(who, room, label string) (press func(ctx context.Context, by string) error, err error)
	// fill opens the form that the room offers by its title and sends it; asked is
	// what the form asked for. errNoForms says that the platform has none.
	fill(ctx context.Context, who, room, title string, values map[string]string) (asked string, err error)
	shown(room string) []note
	// until waits until ok, which is asked again whenever something happens.
	until(limit time.Duration, ok func() bool) bool
	// strange are words of this run only, and what stands for them in golden files.
	strange() map[string]string
}

// serve starts the program with the accounts of venues. Its own rates stay away:
// here it is asked faster than people ask.
func serve(t *testing.T, more string, venues ...venue) *drive.Server {
	t.Helper()
	config, env := "limits: {per_user: 10000, per_room: 10000}\n"+more, []string(nil)
	for _, v := range venues {
		section, secrets := v.config()
		config, env = config+section, append(env, secrets...)
	}
	s := drive.NewWith(t, program, config, env...)
	for _, v := range venues {
		v.meet(t, s)
	}
	return s
}

// callbackURL is where the program is called for an account.
func callbackURL(s *drive.Server, kind, name string) string {
	return "http://" + s.Listen + "/callback/" + kind + "/" + name + "/"
}
