// A receiver of http.call in Go: believes what is signed, does each slot's work once, and answers in time.
// SECRET is the `secret` of the schedule's params.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

var (
	unfit  = regexp.MustCompile(`[^A-Za-z0-9-]`)
	inTurn sync.Mutex
)

// work is what a slot is for; it may fail, and is then called again with the same webhook-id.
func work(job []byte) error {
	fmt.Println("working on", string(job))
	return nil
}

// once keeps one file for each that was done, and does one at a time. In place of this, use your database.
func once(folder, id string, job []byte) error {
	inTurn.Lock()
	defer inTurn.Unlock()
	file := filepath.Join(folder, "done-"+unfit.ReplaceAllString(id, "_"))
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	if err := work(job); err != nil {
		return err
	}
	return os.WriteFile(file, nil, 0o600)
}

func main() {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	handle := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || webhook.Verify(body, r.Header) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if err := once(os.Getenv("DONE"), r.Header.Get("webhook-id"), body); err != nil {
			log.Println("failed:", err)
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, http.HandlerFunc(handle)))
}
