package sts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// get fetches what is at a URL, and not more than max bytes of it.
func (r *remote) get(ctx context.Context, target string, max int) ([]byte, http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Cache-Control", "no-cache") // for a cache on the way that goes by this rather than by the answer
	response, err := r.client.Do(request)
	var failed *url.Error
	if errors.As(err, &failed) { // whose text has all of the URL, which may hold a secret
		err = failed.Err
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", request.URL.Path, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%s answers %d", request.URL.Path, response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, int64(max)+1))
	if err != nil {
		return nil, nil, err
	}
	if len(body) > max {
		return nil, nil, fmt.Errorf("%s is longer than %d bytes", request.URL.Path, max)
	}
	return body, response.Header, nil
}
