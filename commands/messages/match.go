package messages

import "strings"

// Match finds the language that a person names, in any of its usual names:
// "zh-CN", "zh_TW", "中文", "chinese", "English", "英文".
func Match(name string) (lang string, ok bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	switch name {
	case "zh", "中文", "汉语", "汉文", "国语", "普通话", "简体中文", "简体", "繁體中文", "華語", "chinese", "cn", "zhongwen":
		return "zh", true
	case "en", "english", "英文", "英语", "英語":
		return "en", true
	}
	base, _, _ := strings.Cut(strings.ReplaceAll(name, "_", "-"), "-")
	base, _, _ = strings.Cut(base, ".")
	if base == "zh" || base == "en" {
		return base, true
	}
	return "", false
}
