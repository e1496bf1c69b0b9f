package lifecycle

import "time"

// DefaultProject always exists.
const DefaultProject = "default"

// Project is what clusters belong to and rights are given in.
type Project struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"` // DNS label, unique
	Description string    `json:"description,omitempty"`
	CreatedAt   time.Time `json:"createdAt"`
}

// Bundle is an imported offline bundle: one Kubernetes version, one or more
// architectures, everything a node needs.
type Bundle struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`     // DNS label, unique
	Version   string    `json:"version"`  // Kubernetes, "v1.34.4"
	Versions  []string  `json:"versions"` // every Kubernetes version inside
	Arch      []string  `json:"arch"`
	OS        []string  `json:"os"`     // package families inside: "debian-12"
	Digest    string    `json:"digest"` // sha256 of its manifest
	SizeBytes int64     `json:"sizeBytes"`
	Files     int       `json:"files"`
	Path      string    `json:"-"` // directory below the data directory
	CreatedAt time.Time `json:"createdAt"`
}

// Region is a place where clusters can be built. Regions "sandbox" and "hosts"
// are built in.
type Region struct {
	Name      string `json:"name"`
	Provider  string `json:"provider"`
	Simulated bool   `json:"simulated"`
	Status    string `json:"status"` // "ready", "failed"
}
