package archtest

// rule says what the packages that match may import of the house.
type rule struct {
	// packages are patterns of package paths below the module: "bot", "bot/*"
	// (one level), "cmd/..." (any depth). The first rule that matches counts.
	packages []string
	// may lists patterns of house packages. "." is the package's own folder and
	// below, ".." its parent.
	may []string
	// stdlibOnly forbids every package from outside the house too.
	stdlibOnly bool
	why        string
}

// anybody lists the leaves that every package may import.
func anybody() []string { return []string{"commands/access", "config/value"} }

func rules() []rule {
	return []rule{
		{packages: []string{"bot", "lifecycle"}, stdlibOnly: true,
			why: "they are the leaves that everything stands on: whatever they import, every adapter and provider imports too"},
		{packages: []string{"commands/access", "config/value"}, stdlibOnly: true,
			why: "anyone may import them, so they may import nobody"},
		{packages: []string{"commands/messages"}, may: []string{"lifecycle"},
			why: "the catalogues put a lifecycle.Text into words and know nothing of who says it"},
		{packages: []string{"commands/pages"}, may: []string{".", "commands", "commands/messages", "bot", "lifecycle"},
			why: "pages show what commands would, with the same rights; the layout and the store come to them through seams"},
		{packages: []string{"commands"}, may: []string{".", "bot", "lifecycle", "notifiers"},
			why: "commands are the language on top of the domain; they reach hosts, clouds and platforms only through the seams"},
		{packages: []string{"notifiers"}, may: []string{".", "bot", "lifecycle"},
			why: "the hub turns events into messages; it must not know commands"},
		{packages: []string{"bot/*test", "bot/*/*test", "lifecycle/*test", "lifecycle/*/*test", "notifiers/*test", "store/*test", "store/*test/..."}, may: []string{"..."},
			why: "suites and fakes may look at what they test; only tests import them"},
		{packages: []string{"bot/room/web"}, may: []string{"bot", "bot/room"},
			why: "the browser is a front end of the built-in room; its pages know no command and no cluster"},
		{packages: []string{"bot/room/web"}, may: []string{"bot", "bot/room"},
			why: "the browser front end is a part of the room, and knows as little as the room does"},
		{packages: []string{"bot/*", "bot/*/..."}, may: []string{"bot", "."},
			why: "an adapter knows its platform and the vocabulary, never a sibling, a command or a cluster"},
		{packages: []string{"lifecycle/remote", "lifecycle/kube", "lifecycle/bundle"}, may: []string{"lifecycle", "."},
			why: "the tools of phases and providers know the domain and not each other"},
		{packages: []string{"lifecycle/*", "lifecycle/*/..."}, may: []string{"lifecycle", ".", "lifecycle/remote", "lifecycle/kube", "lifecycle/bundle"},
			why: "phases and providers use the tools, never a sibling: a phase that knows a provider works on that one only"},
		{packages: []string{"notifiers/*"}, may: []string{"notifiers", ".", "bot"},
			why: "a sender knows its channel, never a sibling"},
		{packages: []string{"store"}, may: []string{".", "bot", "bot/room", "lifecycle", "commands", "notifiers"},
			why: "the store implements the interfaces that these packages declare, and none of them imports it"},
		{packages: []string{"store/..."}, may: []string{"."},
			why: "migrations are data"},
		{packages: []string{"config"}, may: []string{".", "bot/*", "lifecycle/*", "notifiers/*", "store"},
			why: "the file's schema is made of the adapters' own Config structs"},
		{packages: []string{"cmd/...", "e2e/...", "tools/...", "e2e"}, may: []string{"..."},
			why: "this is where all is put together, or tested together"},
	}
}

// home says where a library may be used; elsewhere it goes through that package.
type home struct {
	library string // import path prefix
	only    []string
	why     string
}

func homes() []home {
	return []home{
		{"github.com/spf13/cobra", []string{"cmd/...", "tools/..."}, "it is for the server's own command line; the chat's language is commands"},
		{"modernc.org/sqlite", []string{"store", "store/..."}, "SQL is written in one place"},
		{"github.com/jackc/pgx", []string{"store", "store/..."}, "SQL is written in one place"},
		{"github.com/pressly/goose", []string{"store", "store/..."}, "the schema changes in one place"},
		{"database/sql", []string{"store", "store/..."}, "SQL is written in one place"},
		{"github.com/nicksnyder/go-i18n", []string{"commands/messages"}, "sentences are made in one place"},
		{"github.com/charmbracelet", []string{"cmd/..."}, "only the terminal client draws on a terminal"},
		{"k8s.io", []string{"lifecycle/kube", "lifecycle/kube/...", "lifecycle/sandbox", "lifecycle/sandbox/..."}, "Kubernetes is spoken to through lifecycle/kube; the sandbox plays one"},
	}
}

// topLevel are the folders of the house.
func topLevel() []string {
	return []string{"cmd", "bot", "commands", "lifecycle", "notifiers", "store", "config", "docs", "e2e", "deploy", "tools"}
}

// longestFile bounds a Go file, in lines. The median aim is 150.
const longestFile = 600
