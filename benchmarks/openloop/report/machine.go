package report

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine is where something was measured.
type Machine struct {
	CPU        string
	Cores      int
	GoVersion  string
	OS, Arch   string
	GOMAXPROCS int
}

// ThisMachine looks at the one it runs on.
func ThisMachine() Machine {
	m := Machine{"a CPU of unknown model", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0)}
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if model := after(string(data), "model name\t:"); model != "" {
			m.CPU = model
		}
	}
	return m
}

// String is one line.
func (m Machine) String() string {
	cores := fmt.Sprintf("%d cores", m.Cores)
	if m.GOMAXPROCS != m.Cores {
		cores += fmt.Sprintf(" (GOMAXPROCS %d)", m.GOMAXPROCS)
	}
	return fmt.Sprintf("%s, %s, %s, %s/%s", m.CPU, cores, m.GoVersion, m.OS, m.Arch)
}

// PeakRSS is the most memory of this process that was resident at a time, in bytes: what Linux
// calls VmHWM. Pages of files that it has mapped count.
func PeakRSS() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("read the peak of resident memory, which only Linux tells: %w", err)
	}
	var kib int64
	if _, err := fmt.Sscanf(after(string(status), "VmHWM:"), "%d kB", &kib); err != nil {
		return 0, errors.New("the kernel does not tell the peak of resident memory")
	}
	return kib << 10, nil
}

// after is the rest of the first line that has this in it.
func after(text, what string) string {
	_, rest, _ := strings.Cut(text, what)
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// MB prints megabytes of a million bytes.
func MB(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }
