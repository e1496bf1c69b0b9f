package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// visible lists what lies among the bundles below dataDir, hidden ones too.
func visible(tb testing.TB, dataDir string) []string {
	tb.Helper()
	entries, err := os.ReadDir(Dir(dataDir))
	if err != nil && !os.IsNotExist(err) {
		tb.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestImportGivesBackWhatBuildTook(t *testing.T) {
	src := goodTree("v1.34.4", "amd64")
	file, m := built(t, src)
	data := t.TempDir()
	var last, total int64
	im := &Importer{DataDir: data, Progress: func(d, all int64) { last, total = d, all }}
	got, err := im.Import(t.Context(), iotest.OneByteReader(bytes.NewReader(file)))
	if err != nil || got.Existing || got.Manifest.Digest != m.Digest {
		t.Fatalf("import: %+v %v", got, err)
	}
	if last != total || total != m.Bytes() {
		t.Fatalf("progress ended at %d of %d", last, total)
	}
	if want := Path(data, m.Name, m.Digest); got.Path != want || len(visible(t, data)) != 1 {
		t.Fatalf("path %s, want %s; %v", got.Path, want, visible(t, data))
	}
	b, err := Open(got.Path)
	if err != nil || b.Digest != m.Digest {
		t.Fatalf("open: %v", err)
	}
	if err := b.Verify(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for p, content := range src {
		f, ok := b.Find(p)
		if !ok {
			t.Fatalf("%s is gone", p)
		}
		r, err := b.Reader(f)
		if err != nil {
			t.Fatal(err)
		}
		read, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(read, content) || r.Close() != nil {
			t.Fatalf("%s has another content: %v", p, err)
		}
	}
}

func TestImportAgainIsContent(t *testing.T) {
	file, _ := built(t, goodTree("v1.34.4", "amd64"))
	data := t.TempDir()
	first, err := Import(t.Context(), bytes.NewReader(file), data)
	if err != nil {
		t.Fatal(err)
	}
	// The second time only the manifest is read.
	r := io.MultiReader(bytes.NewReader(file[:64<<10]), iotest.ErrReader(errors.New("read too far")))
	again, err := Import(t.Context(), r, data)
	if err != nil || !again.Existing || again.Path != first.Path {
		t.Fatalf("again: %+v %v", again, err)
	}
}

func TestImportMendsWhatIsMissing(t *testing.T) {
	file, m := built(t, goodTree("v1.34.4", "amd64"))
	data := t.TempDir()
	got, err := Import(t.Context(), bytes.NewReader(file), data)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"cni", manifestName} { // the second loses what Open needs
		if err := os.RemoveAll(filepath.Join(got.Path, p)); err != nil {
			t.Fatal(err)
		}
		again, err := Import(t.Context(), bytes.NewReader(file), data)
		if err != nil || !again.Existing {
			t.Fatalf("without %s: %+v %v", p, again, err)
		}
		b, err := Open(got.Path)
		if err != nil || b.Verify(t.Context(), nil) != nil || b.Digest != m.Digest {
			t.Fatalf("without %s, not mended: %v", p, err)
		}
	}
	if v := visible(t, data); len(v) != 1 {
		t.Fatalf("left behind: %v", v)
	}
}

func TestImportsOfOneBundleAtTheSameTime(t *testing.T) {
	file, _ := built(t, goodTree("v1.34.4", "amd64"))
	data := t.TempDir()
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() { _, errs[i] = Import(t.Context(), bytes.NewReader(file), data) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil || len(visible(t, data)) != 1 {
		t.Fatalf("%v, %v", err, visible(t, data))
	}
}

// repack gives a bundle file with its entries changed by edit.
func repack(tb testing.TB, file []byte, edit func(h *tar.Header, content []byte) (*tar.Header, []byte)) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, r := tar.NewWriter(&out), tar.NewReader(bytes.NewReader(file))
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		content, err2 := io.ReadAll(r)
		if err := errors.Join(err, err2); err != nil {
			tb.Fatal(err)
		}
		if h, content = edit(h, content); h == nil {
			continue
		}
		h.Size = int64(len(content))
		if h.Typeflag != tar.TypeReg {
			h.Size, content = 0, nil
		}
		if err := w.WriteHeader(h); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestImportRefusesWhatIsNotRight(t *testing.T) {
	file, m := built(t, goodTree("v1.34.4", "amd64"))
	target := "runtime/amd64/runc"
	at := func(change func(h *tar.Header, c []byte) (*tar.Header, []byte)) []byte {
		return repack(t, file, func(h *tar.Header, c []byte) (*tar.Header, []byte) {
			if h.Name == target {
				return change(h, c)
			}
			return h, c
		})
	}
	rename := func(to string) []byte {
		return at(func(h *tar.Header, c []byte) (*tar.Header, []byte) { h.Name = to; return h, c })
	}
	typed := func(flag byte) []byte {
		return at(func(h *tar.Header, c []byte) (*tar.Header, []byte) {
			h.Typeflag, h.Linkname = flag, "/etc/passwd"
			return h, c
		})
	}
	manifest := func(old, with string) []byte {
		var sum string
		return repack(t, file, func(h *tar.Header, c []byte) (*tar.Header, []byte) {
			if h.Name == manifestName {
				if !bytes.Contains(c, []byte(old)) {
					t.Fatalf("the manifest has no %s", old)
				}
				c = bytes.Replace(c, []byte(old), []byte(with), 1)
				sum = digest(c)
			}
			if h.Name == sumName {
				c = []byte(sumContent(sum))
			}
			return h, c
		})
	}
	cases := map[string]struct {
		file []byte
		want string
	}{
		"empty":             {nil, "bundle.import.nobundle"},
		"not a tar":         {[]byte(strings.Repeat("hello ", 200)), "bundle.import.nobundle"},
		"gzip":              {append([]byte("\x1f\x8b"), make([]byte, 1000)...), "bundle.import.nobundle"},
		"another tar":       {tarOf(entry{"a", "b"}), "bundle.import.nobundle"},
		"no manifest first": {tarOf(entry{"bin/a", "b"}, entry{manifestName, "{}"}), "bundle.import.nobundle"},
		"manifest no json":  {tarOf(entry{manifestName, "{"}), "bundle.manifest.unreadable"},
		"newer format":      {tarOf(entry{manifestName, `{"format": 2}`}), "bundle.manifest.format"},
		"flipped byte": {at(func(h *tar.Header, c []byte) (*tar.Header, []byte) {
			c[len(c)-1] ^= 1
			return h, c
		}), "bundle.import.damaged"},
		"manifest not of its sum": {repack(t, file, func(h *tar.Header, c []byte) (*tar.Header, []byte) {
			if h.Name == manifestName {
				c = bytes.Replace(c, []byte("pause:3"), []byte("qause:3"), 1)
			}
			return h, c
		}), "bundle.import.damaged"},
		"shorter":   {at(func(h *tar.Header, c []byte) (*tar.Header, []byte) { return h, c[1:] }), "bundle.import.size"},
		"longer":    {at(func(h *tar.Header, c []byte) (*tar.Header, []byte) { return h, append(c, c...) }), "bundle.import.size"},
		"left out":  {at(func(*tar.Header, []byte) (*tar.Header, []byte) { return nil, nil }), "bundle.import.cut"},
		"symlink":   {typed(tar.TypeSymlink), "bundle.import.entry"},
		"hard link": {typed(tar.TypeLink), "bundle.import.entry"},
		"device":    {typed(tar.TypeBlock), "bundle.import.entry"},
		"directory": {typed(tar.TypeDir), "bundle.import.entry"},
		"traversal": {rename("../../../etc/cron.d/x"), "bundle.import.order"},
		"absolute":  {rename("/etc/cron.d/x"), "bundle.import.order"},
		"duplicate": {rename("cni/amd64/portmap"), "bundle.import.order"},
		"dotted":    {rename("./" + target), "bundle.import.order"},
		"more after its files": {repack(t, append(file[:len(file)-trailer:len(file)-trailer], tarOf(entry{"x", "y"})...),
			func(h *tar.Header, c []byte) (*tar.Header, []byte) { return h, c }), "bundle.import.more"},
		"more after its end":     {append(slices.Clone(file), 'x'), "bundle.import.more"},
		"name leads out":         {manifest(`"name": "`+m.Name, `"name": "../x`), "bundle.manifest.name"},
		"path leads out":         {manifest(`"path": "cni/amd64/bridge"`, `"path": "cni/../../bridge"`), "bundle.manifest.path"},
		"path absolute":          {manifest(`"path": "cni/amd64/bridge"`, `"path": "/cni/amd64/bridge"`), "bundle.manifest.path"},
		"path twice":             {manifest(`"path": "cni/amd64/host-local"`, `"path": "cni/amd64/bridge"`), "bundle.manifest.order"},
		"mode with setuid":       {manifest(`"mode": 493`, `"mode": 2541`), "bundle.manifest.place"},
		"kind of another":        {manifest(`"kind": "cni"`, `"kind": "runtime"`), "bundle.manifest.place"},
		"field twice":            {manifest(`"format": 1,`, `"format": 1,`+"\n "+`"format": 1,`), "bundle.manifest.form"},
		"field unknown":          {manifest(`"format": 1,`, `"format": 1,`+"\n "+`"extra": 1,`), "bundle.manifest.form"},
		"negative size":          {manifest(`"size": `, `"size": -`), "bundle.manifest.size"},
		"huge size":              {manifest(`"size": `, `"size": 99999999999999`), "bundle.manifest.size"},
		"no sum":                 {manifest(`"sha256": "`, `"sha256": "0`), "bundle.manifest.sum"},
		"version not of a file":  {manifest(`"v1.34.4"`, `"v1.34.5"`), "bundle.manifest.summary"},
		"images where none are":  {manifest(`"mode": 493`, `"mode": 493,`+"\n   "+`"images": [`+"\n    "+`"a:1"`+"\n   "+`]`), "bundle.manifest.images"},
		"manifest far too large": {tarOf(entry{manifestName, strings.Repeat(" ", MaxManifestBytes+1)}), "bundle.manifest.large"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			_, err := Import(t.Context(), bytes.NewReader(c.file), data)
			if got := keys(err); !slices.Equal(got, []string{c.want}) {
				t.Fatalf("problems %v (%v), want %s", got, err, c.want)
			}
			if v := visible(t, data); len(v) != 0 {
				t.Fatalf("left behind: %v", v)
			}
			if _, err := Check(t.Context(), bytes.NewReader(c.file), nil); !slices.Equal(keys(err), []string{c.want}) {
				t.Fatalf("check says %v", err)
			}
		})
	}
}

// sparseHeader claims a gigabyte that the archive does not hold.
func TestImportRefusesASparseFile(t *testing.T) {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: manifestName, Size: 4,
		PAXRecords: map[string]string{"GNU.sparse.major": "1"}}
	if plain(h) {
		t.Fatal("a sparse file was taken for a plain one")
	}
	if plain(&tar.Header{Typeflag: tar.TypeGNUSparse}) {
		t.Fatal("an old sparse file was taken for a plain one")
	}
}

func TestImportOfEveryTruncationIsRefused(t *testing.T) {
	file, _ := built(t, goodTree("v1.34.4", "amd64"))
	data := t.TempDir()
	for n := 0; n < len(file); n += 509 { // odd to the blocks, so that every kind of place is met
		if _, err := Import(t.Context(), bytes.NewReader(file[:n]), data); err == nil {
			t.Fatalf("the first %d of %d bytes were taken", n, len(file))
		}
	}
	if _, err := Import(t.Context(), bytes.NewReader(file[:len(file)-1]), data); err == nil {
		t.Fatal("all but one byte were taken")
	}
	if v := visible(t, data); len(v) != 0 {
		t.Fatalf("left behind: %v", v)
	}
}

func TestImportRefusesWhenTheDiskIsTooSmall(t *testing.T) {
	file, m := built(t, goodTree("v1.34.4", "amd64"))
	im := &Importer{DataDir: t.TempDir(), Free: func(string) (int64, error) { return m.Bytes() + reserve - 1, nil }}
	_, err := im.Import(t.Context(), bytes.NewReader(file))
	if got := keys(err); !slices.Equal(got, []string{"bundle.import.space"}) || len(visible(t, im.DataDir)) != 0 {
		t.Fatalf("%v, %v", err, visible(t, im.DataDir))
	}
}

func TestImportStopsWithItsContext(t *testing.T) {
	file, _ := built(t, goodTree("v1.34.4", "amd64"))
	ctx, cancel := context.WithCancel(t.Context())
	im := &Importer{DataDir: t.TempDir(), Progress: func(done, _ int64) { cancel() }}
	if _, err := im.Import(ctx, bytes.NewReader(file)); !errors.Is(err, context.Canceled) || len(visible(t, im.DataDir)) != 0 {
		t.Fatalf("%v, %v", err, visible(t, im.DataDir))
	}
}

func TestCleanRemovesOnlyLeftovers(t *testing.T) {
	file, _ := built(t, goodTree("v1.34.4", "amd64"))
	data := t.TempDir()
	if err := Clean(data); err != nil {
		t.Fatalf("before there is anything: %v", err)
	}
	got, err := Import(t.Context(), bytes.NewReader(file), data)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{importPrefix + "1/bin", removePrefix + "2/bundle/cni"} {
		if err := os.MkdirAll(filepath.Join(Dir(data), n), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := Clean(data); err != nil {
		t.Fatal(err)
	}
	if v := visible(t, data); !slices.Equal(v, []string{filepath.Base(got.Path)}) {
		t.Fatalf("left: %v", v)
	}
}

func TestRemove(t *testing.T) {
	file, _ := built(t, goodTree("v1.34.4", "amd64"))
	data := t.TempDir()
	got, err := Import(t.Context(), bytes.NewReader(file), data)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(got.Path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is gone already
		if err := b.Remove(); err != nil || len(visible(t, data)) != 0 {
			t.Fatalf("%v, %v", err, visible(t, data))
		}
	}
	if _, err := Open(got.Path); !slices.Equal(keys(err), []string{"bundle.gone"}) {
		t.Fatalf("open: %v", err)
	}
}

func TestVerifyTellsEveryDamage(t *testing.T) {
	file, _ := built(t, goodTree("v1.34.4", "amd64"))
	got, err := Import(t.Context(), bytes.NewReader(file), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(got.Path)
	if err != nil {
		t.Fatal(err)
	}
	flip(t, filepath.Join(got.Path, "runtime/amd64/runc"))
	if err := os.Remove(filepath.Join(got.Path, "cni/amd64/bridge")); err != nil {
		t.Fatal(err)
	}
	if k := keys(b.Verify(t.Context(), nil)); !slices.Equal(k, []string{"bundle.verify.missing", "bundle.verify.damaged"}) {
		t.Fatalf("problems: %v", k)
	}
}

func flip(tb testing.TB, file string) {
	tb.Helper()
	c, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	c[len(c)/2] ^= 1
	if err := os.WriteFile(file, c, 0o755); err != nil {
		tb.Fatal(err)
	}
}

// Whatever files of whatever content are put beside the needed ones, an import
// gives them back.
func TestRoundTripProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		src := goodTree("v1.34.4", "amd64")
		n := rapid.IntRange(0, 5).Draw(rt, "files")
		for range n {
			name := rapid.StringMatching(`[a-z0-9][a-z0-9._+-]{0,30}`).Draw(rt, "name")
			body := rapid.SliceOfN(rapid.Byte(), 0, 3000).Draw(rt, "body")
			src["cni/amd64/"+name] = append(elfFile(62, ""), body...)
		}
		file, m := built(t, src)
		got, err := Import(t.Context(), bytes.NewReader(file), t.TempDir())
		if err != nil || got.Manifest.Digest != m.Digest {
			rt.Fatalf("import: %v", err)
		}
		for p, want := range src {
			if c, err := os.ReadFile(filepath.Join(got.Path, p)); err != nil || !bytes.Equal(c, want) {
				rt.Fatalf("%s: %v", p, err)
			}
		}
	})
}

// One flipped byte anywhere is found, or changes nothing that counts (a time or
// an owner in a header): never is a wrong byte taken.
func TestFlippedByteProperty(t *testing.T) {
	file, m := built(t, goodTree("v1.34.4", "amd64"))
	rapid.Check(t, func(rt *rapid.T) {
		bad := slices.Clone(file)
		at := rapid.IntRange(0, len(bad)-1).Draw(rt, "at")
		bad[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(rt, "bit"))
		got, err := Import(t.Context(), bytes.NewReader(bad), t.TempDir())
		if err != nil {
			return
		}
		b, err := Open(got.Path)
		if err != nil || b.Verify(t.Context(), nil) != nil || b.Digest != m.Digest {
			rt.Fatalf("a flipped byte at %d was taken: %v", at, err)
		}
	})
}
