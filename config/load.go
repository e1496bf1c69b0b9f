package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the configuration file, in bytes.
const maxFile = 1 << 20

// Load reads and checks a file. Its error is Errors, every mistake of the file,
// or the reason why it cannot be read.
func Load(path string) (*Config, error) {
	data, err := readBounded(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return parse(path, data, processEnvironment())
}

// parse is Load without the disk: name stands in the mistakes.
func parse(name string, data []byte, env environment) (*Config, error) {
	d := &decoder{file: name, env: env, at: map[string]*yaml.Node{}}
	c := Default()
	if root := d.document(data); root != nil {
		d.value(root, reflect.ValueOf(c).Elem(), field{})
	}
	if len(d.errs) > 0 {
		d.errs.sort()
		return nil, d.errs
	}
	return c, nil
}

// document gives the file's only document, nil when it is empty or not YAML.
func (d *decoder) document(data []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) {
			d.syntax(err)
		}
		return nil
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		d.fail(&second, "", says("config.wrong.second"), says("config.want.document"))
		return nil
	case !errors.Is(err, io.EOF):
		d.syntax(err)
		return nil
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// yamlLine finds the line in the parser's own words; it gives no column.
var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

func (d *decoder) syntax(err error) {
	n, what := &yaml.Node{Column: 1}, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(what); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil {
			n.Line, what = line, m[2]
		}
	}
	d.fail(n, "", says("config.wrong.yaml", "cause", what), says("config.want.lines"))
}

// readBounded reads a file that may not be larger than limit bytes.
func readBounded(path string, limit int64) (data []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return data, nil
}
