package bundle

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

const aboutName = "bundle.yaml"

// readAbout takes the name and the description from bundle.yaml, if it is there.
func readAbout(dir string, m *Manifest) error {
	b, err := os.ReadFile(filepath.Join(dir, aboutName))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return failed("bundle.build.read", err, "path", aboutName)
	}
	var about struct {
		Name        string `yaml:"name"`
		Description string `yaml:"description"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&about); err != nil && !errors.Is(err, io.EOF) {
		return blocked("bundle.source.about", err, "detail", clip(err.Error()))
	}
	if about.Name != "" && !isLabel(about.Name) {
		return blocked("bundle.source.name", nil, "name", clip(about.Name))
	}
	if len(about.Description) > maxDescription {
		return blocked("bundle.source.description", nil, "limit", maxDescription)
	}
	m.Name, m.Description = about.Name, about.Description
	return nil
}
