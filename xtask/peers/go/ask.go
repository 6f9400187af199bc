package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type asker struct {
	client      *http.Client
	base        string
	connections atomic.Int32
}

func ask(cell, base string, authority []string) error {
	a := &asker{base: strings.TrimSuffix(base, "/")}
	protocols := new(http.Protocols)
	transport := &http.Transport{Protocols: protocols, MaxResponseHeaderBytes: 64 << 10}
	dialer := net.Dialer{}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		a.connections.Add(1)
		return dialer.DialContext(ctx, network, address)
	}
	if len(authority) == 1 {
		protocols.SetHTTP2(true)
		pem, err := os.ReadFile(authority[0])
		if err != nil {
			return err
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	} else {
		protocols.SetUnencryptedHTTP2(true)
	}
	a.client = &http.Client{Transport: transport, Timeout: 30 * time.Second}
	cells := map[string]func() error{
		"get": a.get, "post": a.echo, "post-whole": a.postWhole, "trailers": a.trailers, "sent-trailers": a.sentTrailers, "head": a.head,
		"1xx": a.hints, "early": a.early, "large": a.large, "reset": a.reset, "drain": a.drain,
	}
	run, known := cells[cell]
	if !known {
		return fmt.Errorf("no cell %q", cell)
	}
	return run()
}

func (a *asker) do(r *http.Request, status int) (*http.Response, error) {
	response, err := a.client.Do(r)
	if err != nil {
		return nil, err
	}
	if response.ProtoMajor != 2 || response.StatusCode != status {
		return nil, fmt.Errorf("%s %s got %s %s", r.Method, r.URL.Path, response.Proto, response.Status)
	}
	return response, nil
}

func (a *asker) request(method, path string, body io.Reader) *http.Request {
	r, err := http.NewRequest(method, a.base+path, body)
	if err != nil {
		panic(err)
	}
	// nginx passes on what it takes for gRPC.
	r.Header.Set("content-type", "application/grpc")
	r.Header.Set("te", "trailers")
	return r
}

func (a *asker) whole(r *http.Request, status int, wanted []byte) (*http.Response, error) {
	response, err := a.do(r, status)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(body, wanted) {
		return nil, fmt.Errorf("%s brought %d octets, or others, instead of %d", r.URL.Path, len(body), len(wanted))
	}
	return response, nil
}

func (a *asker) get() error {
	_, err := a.whole(a.request("GET", "/1k", nil), 200, pattern(1<<10))
	return err
}

func (a *asker) post(path string) error {
	sent := pattern(big)
	_, err := a.whole(a.request("POST", path, bytes.NewReader(sent)), 200, sent)
	return err
}

func (a *asker) echo() error { return a.post("/echo") }

func (a *asker) postWhole() error { return a.post("/whole") }

func (a *asker) head() error {
	response, err := a.whole(a.request("HEAD", "/1k", nil), 200, nil)
	if err == nil && response.ContentLength != 1024 {
		return fmt.Errorf("content-length %d", response.ContentLength)
	}
	return errors.Join(err, a.get())
}

func checksum(response *http.Response, err error, wanted string) error {
	if err == nil && response.Trailer.Get("x-checksum") != wanted {
		return fmt.Errorf("trailers %v", response.Trailer)
	}
	return err
}

func (a *asker) trailers() error {
	response, err := a.whole(a.request("GET", "/trailers", nil), 200, []byte("body"))
	return checksum(response, err, "42")
}

func (a *asker) sentTrailers() error {
	r := a.request("POST", "/echo", struct{ io.Reader }{strings.NewReader("checked")})
	r.Trailer = http.Header{"X-Checksum": {"43"}}
	response, err := a.whole(r, 200, []byte("checked"))
	return checksum(response, err, "43")
}

func (a *asker) hints() error {
	var seen []int
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
		seen = append(seen, code)
		return nil
	}}
	r := a.request("GET", "/hints", nil)
	_, err := a.whole(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)), 200, []byte("hinted"))
	if err == nil && (len(seen) != 1 || seen[0] != 103) {
		return fmt.Errorf("interim responses %v", seen)
	}
	return err
}

// The body of this request never ends by itself.
func (a *asker) early() error {
	reader, writer := io.Pipe()
	defer writer.Close()
	go writer.Write(pattern(1 << 10))
	if _, err := a.whole(a.request("POST", "/early", reader), 413, []byte("early")); err != nil {
		return err
	}
	return errors.Join(a.get(), a.oneConnection())
}

func (a *asker) large() error {
	large := strings.Repeat("x", 12<<10)
	r := a.request("GET", "/large", nil)
	r.Header.Set("x-large", large)
	response, err := a.whole(r, 200, []byte("12288"))
	if err == nil && response.Header.Get("x-large") != large {
		return fmt.Errorf("the large field has not come back")
	}
	return err
}

func (a *asker) reset() error {
	response, err := a.do(a.request("GET", "/10m", nil), 200)
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(response.Body, make([]byte, 64<<10)); err != nil {
		return err
	}
	response.Body.Close()
	return errors.Join(a.get(), a.oneConnection())
}

func (a *asker) drain() error {
	transfer, err := a.do(a.request("GET", "/10m", nil), 200)
	if err != nil {
		return err
	}
	defer transfer.Body.Close()
	leave, err := a.whole(a.request("GET", "/leave", nil), 200, []byte("leaving"))
	if err != nil {
		return err
	}
	for range 6 {
		errs := make([]error, 20)
		var group sync.WaitGroup
		for i := range errs {
			group.Add(1)
			go func() {
				defer group.Done()
				errs[i] = a.get()
			}()
		}
		group.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	body, err := io.ReadAll(transfer.Body)
	if err == nil && !bytes.Equal(body, pattern(big)) {
		return fmt.Errorf("%d octets of %d came, or others", len(body), big)
	}
	return errors.Join(err, a.elsewhere(leave.Header.Get("x-connection")))
}

// Our server says which connection a response came on, also behind a proxy: no longer on the one that was told to leave.
func (a *asker) elsewhere(left string) error {
	response, err := a.whole(a.request("GET", "/1k", nil), 200, pattern(1<<10))
	if err != nil {
		return err
	}
	if now := response.Header.Get("x-connection"); left == "" || now == "" || now == left {
		return fmt.Errorf("connection %q was told to leave, and %q serves", left, now)
	}
	return nil
}

func (a *asker) oneConnection() error {
	if made := a.connections.Load(); made != 1 {
		return fmt.Errorf("%d connections instead of one", made)
	}
	return nil
}
