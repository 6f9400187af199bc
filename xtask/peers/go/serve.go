package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

func serve(identity []string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	protocols := new(http.Protocols)
	server := http.Server{Handler: http.HandlerFunc(answer), Protocols: protocols, MaxHeaderBytes: 64 << 10}
	if len(identity) == 2 {
		protocols.SetHTTP2(true)
		fmt.Printf("listening on https://%s\n", listener.Addr())
		return server.ServeTLS(listener, identity[0], identity[1])
	}
	protocols.SetUnencryptedHTTP2(true)
	fmt.Printf("listening on http://%s\n", listener.Addr())
	return server.Serve(listener)
}

func answer(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/1k":
		sized(w, r, 1<<10)
	case "/10m":
		sized(w, r, big)
	case "/echo":
		w.Header().Set("Trailer", "x-checksum")
		io.Copy(w, r.Body)
		w.Header().Set("x-checksum", r.Trailer.Get("x-checksum"))
	case "/trailers":
		w.Header().Set("Trailer", "x-checksum")
		io.WriteString(w, "body")
		w.Header().Set("x-checksum", "42")
	case "/hints":
		w.Header().Set("link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "hinted")
	case "/early":
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		io.WriteString(w, "early")
	case "/large":
		w.Header().Set("x-large", r.Header.Get("x-large"))
		io.WriteString(w, strconv.Itoa(len(r.Header.Get("x-large"))))
	case "/leave":
		// On HTTP/2 this is a GOAWAY.
		w.Header().Set("Connection", "close")
		io.WriteString(w, "leaving")
	default:
		http.NotFound(w, r)
	}
}

func sized(w http.ResponseWriter, r *http.Request, octets int) {
	w.Header().Set("content-length", strconv.Itoa(octets))
	if r.Method != http.MethodHead {
		w.Write(pattern(octets))
	}
}
