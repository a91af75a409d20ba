package page

import (
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// Machine is where a run took place.
type Machine struct {
	Processor    string
	Instructions string // of those that matter here
	Cores        int
	System       string
	Go           string
	Load         string // what else went on when the run began; "": not known
}

// ThisMachine describes where the program runs.
func ThisMachine() Machine {
	m := Machine{
		Processor: "unknown", Instructions: "unknown", Cores: runtime.GOMAXPROCS(0),
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: strings.TrimPrefix(runtime.Version(), "go"),
	}
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.read(string(b))
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(b), " ")
	}
	return m
}

// read takes what Linux says of the first processor.
func (m *Machine) read(cpuinfo string) {
	for line := range strings.Lines(cpuinfo) {
		name, value, _ := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case name == "":
			return // the second processor
		case name == "model name" && value != "":
			m.Processor = value
		case name == "flags" || name == "Features":
			has := strings.Fields(value)
			m.Instructions = "AES " + yesNo(slices.Contains(has, "aes")) +
				", SHA-256 " + yesNo(slices.Contains(has, "sha_ni") || slices.Contains(has, "sha2"))
		}
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Versions returns the modules that are in this program.
func Versions() map[string]string {
	versions := make(map[string]string)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Replace == nil {
				versions[m.Path] = m.Version
			}
		}
	}
	return versions
}
