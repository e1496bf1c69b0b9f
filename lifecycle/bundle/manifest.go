package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Format is the manifest's format number that this program writes and reads.
const Format = 1

// Bounds on what a manifest may claim, far above any real bundle.
const (
	MaxManifestBytes = 8 << 20
	MaxFiles         = 20000
	MaxFileBytes     = 32 << 30
	MaxBytes         = 256 << 30
)

// Manifest is the table of contents of a bundle.
type Manifest struct {
	Format      int      `json:"format"`
	Name        string   `json:"name"` // DNS label
	Description string   `json:"description,omitempty"`
	Versions    []string `json:"versions"`     // Kubernetes versions inside, oldest first: "v1.34.4"
	Arch        []string `json:"arch"`         // sorted
	OS          []string `json:"os,omitempty"` // operating systems with packages, sorted: "debian-12"
	Files       []File   `json:"files"`        // sorted by path
	CreatedBy   string   `json:"createdBy"`    // version of the program that built it

	// Digest is the sha256 of the manifest's bytes, hex; set by ParseManifest
	// and Build.
	Digest string `json:"-"`
}

// File is one file of a bundle.
type File struct {
	Path    string   `json:"path"` // below the bundle, with slashes: "bin/v1.34.4/amd64/kubeadm"
	Kind    Kind     `json:"kind"`
	Version string   `json:"version,omitempty"` // Kubernetes version it belongs to; "" = to all
	Arch    string   `json:"arch,omitempty"`    // "" = any
	OS      string   `json:"os,omitempty"`      // of packages
	SHA256  string   `json:"sha256"`            // hex
	Size    int64    `json:"size"`              // bytes
	Mode    uint32   `json:"mode"`              // permission bits: 0755 or 0644
	Images  []string `json:"images,omitempty"`  // references in an image archive, sorted
	Package *Package `json:"package,omitempty"` // of packages
}

// Package says what an operating system's package is.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Arch    string `json:"arch"` // the system's word: "amd64", "all", "x86_64", "noarch"
}

// Bytes is the size of all files together.
func (m *Manifest) Bytes() int64 {
	var n int64
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// Images gives every image reference inside, sorted, once each.
func (m *Manifest) Images() []string {
	var out []string
	for _, f := range m.Files {
		out = append(out, f.Images...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Record gives the bundle as the store keeps it; ID and CreatedAt are the
// store's, Path the caller's.
func (m *Manifest) Record() lifecycle.Bundle {
	return lifecycle.Bundle{Name: m.Name, Version: m.Versions[len(m.Versions)-1], Versions: m.Versions,
		Arch: m.Arch, OS: m.OS, Digest: m.Digest, SizeBytes: m.Bytes(), Files: len(m.Files)}
}

// Encode gives the manifest's bytes, the same for the same manifest, and sets
// its Digest.
func (m *Manifest) Encode() ([]byte, error) {
	b, err := encode(m)
	if err != nil {
		return nil, err
	}
	m.Digest = digest(b)
	return b, nil
}

func encode(m *Manifest) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(m)
	return b.Bytes(), err
}

// ParseManifest reads and checks a manifest. Only the bytes that Encode would
// write are taken, so that two programs can never read two things in one
// manifest. The error is a *lifecycle.Error.
func ParseManifest(b []byte) (*Manifest, error) {
	if len(b) > MaxManifestBytes {
		return nil, broken("bundle.manifest.large", nil, "limit", MaxManifestBytes)
	}
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, broken("bundle.manifest.unreadable", err)
	}
	if head.Format != Format {
		return nil, blocked("bundle.manifest.format", nil, "format", head.Format, "supported", Format)
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, broken("bundle.manifest.unreadable", err)
	}
	again, err := m.Encode()
	if err != nil || !bytes.Equal(again, b) {
		return nil, broken("bundle.manifest.form", err)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return &m, nil
}

// check holds a manifest against the rules that Build keeps, as if a stranger
// had written it.
func (m *Manifest) check() error {
	switch {
	case !isLabel(m.Name):
		return broken("bundle.manifest.name", nil, "name", clip(m.Name))
	case len(m.Files) == 0 || len(m.Files) > MaxFiles:
		return broken("bundle.manifest.count", nil, "files", len(m.Files), "limit", MaxFiles)
	case len(m.Description) > maxDescription:
		return broken("bundle.manifest.description", nil, "limit", maxDescription)
	}
	var total int64
	for i, f := range m.Files {
		if err := f.check(); err != nil {
			return err
		}
		if i > 0 && m.Files[i-1].Path >= f.Path {
			return broken("bundle.manifest.order", nil, "path", f.Path)
		}
		if total += f.Size; total > MaxBytes {
			return broken("bundle.manifest.bytes", nil, "limit", int64(MaxBytes))
		}
	}
	if want := summarise(m.Files); !slices.Equal(want.Versions, m.Versions) ||
		!slices.Equal(want.Arch, m.Arch) || !slices.Equal(want.OS, m.OS) || len(m.Versions) == 0 {
		return broken("bundle.manifest.summary", nil)
	}
	return nil
}

// check compares what the manifest says of a file with what its path says.
func (f File) check() error {
	place, ok := placeOf(f.Path)
	switch {
	case !ok:
		return broken("bundle.manifest.path", nil, "path", clip(f.Path))
	case f.Kind != place.Kind || f.Version != place.Version || f.Arch != place.Arch || f.OS != place.OS || f.Mode != place.mode():
		return broken("bundle.manifest.place", nil, "path", f.Path)
	case f.Size < 0 || f.Size > MaxFileBytes:
		return broken("bundle.manifest.size", nil, "path", f.Path, "size", f.Size, "limit", int64(MaxFileBytes))
	case !isSum(f.SHA256):
		return broken("bundle.manifest.sum", nil, "path", f.Path)
	case (len(f.Images) > 0) != (f.Kind == Images):
		return broken("bundle.manifest.images", nil, "path", f.Path)
	case (f.Package != nil) != (f.Kind == Packages):
		return broken("bundle.manifest.package", nil, "path", f.Path)
	}
	return nil
}

// summarise gives a manifest's versions, architectures and systems as its files
// have them.
func summarise(files []File) (m Manifest) {
	for _, f := range files {
		if f.Kind == Binary {
			m.Versions = append(m.Versions, f.Version)
			m.Arch = append(m.Arch, f.Arch)
		}
		if f.OS != "" {
			m.OS = append(m.OS, f.OS)
		}
	}
	slices.SortFunc(m.Versions, compareVersions)
	slices.Sort(m.Arch)
	slices.Sort(m.OS)
	m.Versions, m.Arch, m.OS = slices.Compact(m.Versions), slices.Compact(m.Arch), slices.Compact(m.OS)
	return m
}

const maxDescription = 1000

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func isSum(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}

// isLabel reports whether s is a DNS label of at most 40 characters, the rule
// for every name that a person gives.
func isLabel(s string) bool {
	if s == "" || len(s) > 40 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// clip shortens what a stranger wrote before it goes into a message.
func clip(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return strings.ToValidUTF8(s, "�")
}
