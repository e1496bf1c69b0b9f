package bot

import "testing"

func TestYesNo(t *testing.T) {
	for value, want := range map[string][2]bool{
		"yes": {true, true}, "Yes": {true, true}, "true": {true, true}, "是": {true, true}, " 是 ": {true, true},
		"no": {false, true}, "false": {false, true}, "否": {false, true}, "": {false, false}, "perhaps": {false, false},
	} {
		if yes, known := YesNo(value); yes != want[0] || known != want[1] {
			t.Errorf("%q: %v, known %v", value, yes, known)
		}
	}
}

func TestLangOf(t *testing.T) {
	for name, c := range map[string]struct {
		m    Message
		want string
	}{
		"nothing":           {Message{}, "other"},
		"a name":            {Message{Title: "prod-1", Text: "kubeconfig"}, "other"},
		"a Chinese title":   {Message{Title: "集群 prod-1"}, "zh"},
		"a Chinese form":    {Message{Form: &Form{Submit: "提交", Title: "创建集群"}}, "zh"},
		"an English form":   {Message{Text: "生产", Form: &Form{Submit: "Send", Fields: []FormField{{Label: "Name", Default: "生产"}}}}, "en"},
		"Chinese buttons":   {Message{Title: "prod-1", Actions: []Action{{Label: "停止"}}}, "zh"},
		"English labels":    {Message{Fields: []Field{{Label: "Host", Value: "主机"}}}, "en"},
		"Chinese columns":   {Message{Table: &Table{Columns: []string{"ID", "名称"}}}, "zh"},
		"English stages":    {Message{Title: "生产", Progress: &Progress{Items: []ProgressItem{{Text: "Preflight"}}}}, "en"},
		"an English footer": {Message{Text: "生产", Footer: "Next: help"}, "en"},
		"numbers":           {Message{Actions: []Action{{Label: "1"}}, Title: "请选择"}, "zh"},
	} {
		if got := LangOf(c.m, "other"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
