package report

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// Others tells how much of the machine somebody else took: other processes, and the hypervisor. A latency of
// microseconds tells nothing if a compiler runs beside it. Where the kernel does not say, it is 0.
type Others struct {
	busy, own float64 // seconds of a core
	at        time.Time
	cores     int
}

// WatchOthers begins to watch.
func WatchOthers() Others {
	busy, cores := busySeconds()
	return Others{busy, ownSeconds(), time.Now(), cores}
}

// Share is a part of all cores, 0 to 1, since WatchOthers. The kernel counts in hundredths of
// a second.
func (o Others) Share() float64 {
	busy, _ := busySeconds()
	if o.cores == 0 {
		return 0
	}
	others := busy - o.busy - (ownSeconds() - o.own)
	return min(1, max(0, others/(time.Since(o.at).Seconds()*float64(o.cores))))
}

const hertz = 100 // in which Linux counts for everybody, whatever it counts in itself

// busySeconds is the time that all cores together spent not idle, and how many there are.
func busySeconds() (busy float64, cores int) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	var user, nice, system, idle, wait, irq, softirq, steal float64
	if _, err := fmt.Sscan(after(string(stat), "cpu "), &user, &nice, &system, &idle, &wait, &irq, &softirq, &steal); err != nil {
		return 0, 0
	}
	return (user + nice + system + irq + softirq + steal) / hertz, strings.Count(string(stat), "cpu") - 1
}

// ownSeconds is the time that this process spent on cores.
func ownSeconds() float64 {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name may hold blanks
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	var user, system float64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0
	}
	return (user + system) / hertz
}
