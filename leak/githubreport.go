package leak

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
)

// gitHubReport is one find in a call.
type gitHubReport struct {
	Token  string `json:"token"`
	Type   string `json:"type"`
	URL    string `json:"url"`
	Source string `json:"source"`
}

// maxGitHubEntries bounds a call, since an entry of two bytes costs what one of 80 does: 8 MiB of them keep a
// processor busy for seconds.
const maxGitHubEntries = 100_000

// parseGitHub reads a body whose signature holds. So it need not be strict, and must not be: something odd about one
// find is no reason to leave another's key alive. What has no token is skipped, and not answered; what else an entry
// holds is ignored.
func parseGitHub(body []byte) (reports []gitHubReport, skipped int, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if start, err := d.Token(); err != nil || start != json.Delim('[') {
		return nil, 0, gitHubNoArray
	}
	for d.More() {
		if len(reports)+skipped == maxGitHubEntries {
			return nil, 0, gitHubTooMany
		}
		var entry json.RawMessage
		if d.Decode(&entry) != nil {
			return nil, 0, gitHubNoArray
		}
		var r gitHubReport
		json.Unmarshal(entry, &r) // it is valid JSON: a member of another kind stays empty, and the rest is read
		if r.Token == "" {
			skipped++
			continue
		}
		reports = append(reports, r)
	}
	if _, err := d.Token(); err != nil {
		return nil, 0, gitHubNoArray
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, 0, gitHubNoArray
	}
	return reports, skipped, nil
}

// gitHubFeedback tells GitHub of a find whether it was a secret. The other form, with the token itself, is not for us:
// an answer is logged in more places than a request.
type gitHubFeedback struct {
	Hash  string `json:"token_hash"`
	Type  string `json:"token_type"`
	Label string `json:"label"`
}

func (r *gitHubReport) feedback(genuine bool) gitHubFeedback {
	sum := sha256.Sum256([]byte(r.Token))
	label := "false_positive"
	if genuine {
		label = "true_positive"
	}
	return gitHubFeedback{hex.EncodeToString(sum[:]), r.Type, label}
}
