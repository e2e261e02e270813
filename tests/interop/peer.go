// SPDX-License-Identifier: MIT

// The other implementation: kcp-go, with packets dropped in both directions on this side.
//
//	peer client ADDR CONV message|stream session|core|default COUNT LONGEST
//	peer server ADDR CONV message|stream session|core|default
//
// A client sends COUNT messages of 1 to LONGEST bytes, or as many bytes as a stream, and checks the echo; a server
// echoes until its standard input ends. "session" is kcp-go's own socket layer tuned for speed, "default" the same
// as it comes, "core" its KCP type alone, which alone sends messages of several fragments.
package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	kcp "github.com/xtaci/kcp-go"
)

const lossPercent = 10
const caseTimeout = 40 * time.Second

// lossy drops packets, both ways, by a seeded generator.
type lossy struct {
	net.PacketConn
	mu      sync.Mutex
	rng     *rand.Rand
	dropped int
}

func newLossy(addr string) *lossy {
	conn, err := net.ListenPacket("udp4", addr)
	check(err)
	return &lossy{PacketConn: conn, rng: rand.New(rand.NewSource(42))}
}

func (l *lossy) drop() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rng.Intn(100) < lossPercent {
		l.dropped++
		return true
	}
	return false
}

func (l *lossy) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, addr, err := l.PacketConn.ReadFrom(b)
		if err != nil || !l.drop() {
			return n, addr, err
		}
	}
}

func (l *lossy) WriteTo(b []byte, addr net.Addr) (int, error) {
	if l.drop() {
		return len(b), nil
	}
	return l.PacketConn.WriteTo(b, addr)
}

// core drives kcp.KCP without kcp-go's session around it.
type core struct {
	mu     sync.Mutex
	k      *kcp.KCP
	conn   *lossy
	remote net.Addr
	conv   uint32
}

func newCore(conn *lossy, remote net.Addr, conv uint32, stream bool) *core {
	c := &core{conn: conn, remote: remote, conv: conv}
	c.k = kcp.NewKCP(conv, func(b []byte, n int) {
		if c.remote != nil {
			c.conn.WriteTo(b[:n], c.remote)
		}
	})
	c.k.NoDelay(1, 10, 2, 1)
	c.k.WndSize(512, 512)
	go c.readLoop()
	go func() {
		for range time.Tick(5 * time.Millisecond) {
			c.mu.Lock()
			c.k.Update()
			c.mu.Unlock()
		}
	}()
	return c
}

func (c *core) readLoop() {
	b := make([]byte, 2048)
	for {
		n, addr, err := c.conn.ReadFrom(b)
		if err != nil {
			return
		}
		c.mu.Lock()
		c.remote = addr
		c.k.Input(b[:n], true, false)
		c.mu.Unlock()
	}
}

func (c *core) Read(b []byte) (int, error) {
	for deadline := time.Now().Add(caseTimeout); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		c.mu.Lock()
		n := c.k.Recv(b)
		c.mu.Unlock()
		if n >= 0 {
			return n, nil
		}
	}
	return 0, fmt.Errorf("nothing came for %v", caseTimeout)
}

func (c *core) Write(b []byte) (int, error) {
	for ; ; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		full := c.k.WaitSnd() > 512
		if !full && c.k.Send(b) != 0 {
			c.mu.Unlock()
			return 0, fmt.Errorf("a message of %d bytes was refused", len(b))
		}
		c.mu.Unlock()
		if !full {
			return len(b), nil
		}
	}
}

func tune(s *kcp.UDPSession, stream bool, kind string) {
	s.SetStreamMode(stream)
	if kind == "session" {
		s.SetNoDelay(1, 10, 2, 1)
		s.SetWindowSize(512, 512)
		s.SetACKNoDelay(true)
	}
	s.SetDeadline(time.Now().Add(caseTimeout))
}

func content(seed int64, n int) []byte {
	b := make([]byte, n)
	rand.New(rand.NewSource(seed)).Read(b)
	return b
}

func lengthOf(i, longest int) int {
	return 1 + (i*i*7919+i*104729)%longest
}

func client(rw io.ReadWriter, stream bool, count, longest int) {
	go func() {
		for i := 0; i < count; i++ {
			_, err := rw.Write(content(int64(i), lengthOf(i, longest)))
			check(err)
		}
	}()
	buf := make([]byte, 1<<20)
	for i := 0; i < count; i++ {
		want := content(int64(i), lengthOf(i, longest))
		got := buf[:0]
		if stream {
			got = buf[:len(want)]
			_, err := io.ReadFull(rw, got)
			check(err)
		} else {
			n, err := rw.Read(buf)
			check(err)
			got = buf[:n]
		}
		if !bytes.Equal(got, want) {
			check(fmt.Errorf("message %d: %d bytes that differ from the %d sent", i, len(got), len(want)))
		}
	}
}

func echo(rw io.ReadWriter) {
	buf := make([]byte, 1<<20)
	for {
		n, err := rw.Read(buf)
		if err != nil {
			return
		}
		if _, err := rw.Write(buf[:n]); err != nil {
			return
		}
	}
}

func runClient(addr string, conv uint32, stream bool, kind string, count, longest int) {
	remote, err := net.ResolveUDPAddr("udp4", addr)
	check(err)
	conn := newLossy("127.0.0.1:0")
	start := time.Now()
	if kind == "core" {
		client(newCore(conn, remote, conv, stream), stream, count, longest)
	} else {
		s, err := kcp.NewConn3(conv, remote, nil, 0, 0, conn)
		check(err)
		tune(s, stream, kind)
		client(s, stream, count, longest)
	}
	fmt.Printf("peer: %d messages of up to %d bytes came back in %.1f s, %d packets were dropped\n", count, longest,
		time.Since(start).Seconds(), conn.dropped)
}

func runServer(addr string, conv uint32, stream bool, kind string) {
	conn := newLossy(addr)
	fmt.Println("ready")
	if kind == "core" {
		go echo(newCore(conn, nil, conv, stream))
	} else {
		l, err := kcp.ServeConn(nil, 0, 0, conn)
		check(err)
		go func() {
			for {
				s, err := l.AcceptKCP()
				if err != nil {
					return
				}
				tune(s, stream, kind)
				go echo(s)
			}
		}()
	}
	io.Copy(io.Discard, os.Stdin)
	fmt.Printf("peer: %d packets were dropped\n", conn.dropped)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func main() {
	if len(os.Args) < 6 {
		fmt.Fprintln(os.Stderr, "usage: peer client|server ADDR CONV message|stream session|core|default [COUNT LONGEST]")
		os.Exit(2)
	}
	conv, err := strconv.ParseUint(os.Args[3], 10, 32)
	check(err)
	stream := os.Args[4] == "stream"
	kind := os.Args[5]
	if os.Args[1] == "server" {
		runServer(os.Args[2], uint32(conv), stream, kind)
		return
	}
	count, err := strconv.Atoi(os.Args[6])
	check(err)
	longest, err := strconv.Atoi(os.Args[7])
	check(err)
	runClient(os.Args[2], uint32(conv), stream, kind, count, longest)
}
