package fakeslack

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// File is an uploaded file.
type File struct {
	ID, Name, Room, Thread string
	Content                []byte
	length                 int
	uploaded, shared       bool
}

// Files are copies of the files that were shared in a room, oldest first.
func (f *Fake) Files(roomID string) []File {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []File
	if r := f.rooms[roomID]; r != nil {
		for _, m := range r.messages {
			if m.File != "" {
				out = append(out, *f.files[m.File])
			}
		}
	}
	return out
}

func (f *Fake) uploadURL(c call) (answer, string) {
	length, err := strconv.Atoi(c.args.str("length"))
	if err != nil || length <= 0 || c.args.str("filename") == "" {
		return nil, "invalid_arguments"
	}
	file := &File{ID: f.id("F"), Name: c.args.str("filename"), length: length}
	f.files[file.ID] = file
	return answer{"upload_url": f.server.URL + "/upload/" + file.ID, "file_id": file.ID}, ""
}

func (f *Fake) serveUpload(w http.ResponseWriter, r *http.Request) {
	if f.hurt(w, r, "upload") {
		return
	}
	content, err := uploaded(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	file := f.files[r.PathValue("id")]
	if err != nil || file == nil || len(content) != file.length {
		http.Error(w, "not what was announced", http.StatusBadRequest)
		return
	}
	file.Content, file.uploaded = content, true
	_, _ = io.WriteString(w, "OK - "+strconv.Itoa(len(content))) // a caller that has gone wants no answer
}

// uploaded reads what is uploaded: as a form's file or as the body itself.
func uploaded(r *http.Request) ([]byte, error) {
	var from io.Reader = r.Body
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		if err := r.ParseMultipartForm(64 << 20); err != nil {
			return nil, err
		}
		for _, parts := range r.MultipartForm.File { // whatever the field is called
			part, err := parts[0].Open()
			if err != nil {
				return nil, err
			}
			defer part.Close()
			from = part
		}
	}
	return io.ReadAll(io.LimitReader(from, 64<<20))
}

func (f *Fake) completeUpload(c call) (answer, string) {
	r, code := f.find(c.args.str("channel_id"))
	if code != "" {
		return nil, code
	}
	files := list(c.args["files"])
	var done []any
	for _, item := range files {
		file := f.files[text(item["id"])]
		if file == nil || !file.uploaded || file.shared {
			return nil, "file_not_found"
		}
		file.shared, file.Room, file.Thread = true, r.id, c.args.str("thread_ts")
		r.messages = append(r.messages, &Message{TS: f.ts(), Room: r.id, Thread: file.Thread, File: file.ID})
		done = append(done, map[string]any{"id": file.ID, "title": text(item["title"])})
	}
	if len(done) == 0 {
		return nil, "invalid_arguments"
	}
	f.tell()
	return answer{"files": done}, ""
}

// serveFile gives a file to whoever has the app's token.
func (f *Fake) serveFile(w http.ResponseWriter, r *http.Request) {
	if f.hurt(w, r, "files.download") {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	file := f.files[r.PathValue("id")]
	if strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") != f.BotToken || file == nil {
		http.Error(w, "not yours", http.StatusForbidden)
		return
	}
	_, _ = w.Write(file.Content) // a caller that has gone wants no answer
}
