package sts

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// get fetches what is at a URL, and not more than max bytes of it.
func (r *remote) get(ctx context.Context, url string, max int) ([]byte, http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	// A cache on the way asks the service each time: what it kept is from before the last death.
	request.Header.Set("Cache-Control", "no-cache")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%s answers %d", url, response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, int64(max)+1))
	if err != nil {
		return nil, nil, err
	}
	if len(body) > max {
		return nil, nil, fmt.Errorf("%s is longer than %d bytes", url, max)
	}
	return body, response.Header, nil
}
