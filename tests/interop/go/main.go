// What programs in Go do with Viam's cloud: interop SCENARIO URL KEY_ID KEY PART.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	rpcpb "go.viam.com/utils/proto/rpc/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

var scenarios = map[string]func(context.Context, cloud){
	"connect":   connectProtocols,
	"data":      dataAndDatasets,
	"fleet":     fleet,
	"impatient": impatient,
	"patient":   patient,
	"transport": transport,
	"uploads":   uploads,
}

// A cloud is where the server is, a key for it, and the part that captures.
type cloud struct{ url, keyID, key, part string }

func main() {
	defer func() {
		if problem := recover(); problem != nil {
			fmt.Fprintln(os.Stderr, problem)
			os.Exit(1)
		}
	}()
	if len(os.Args) != 6 {
		panic("interop SCENARIO URL KEY_ID KEY PART")
	}
	arguments := os.Args[2:]
	scenarios[os.Args[1]](context.Background(), cloud{arguments[0], arguments[1], arguments[2], arguments[3]})
	fmt.Println("fine")
}

// token logs in, as every client of Viam does before its first call.
func (c cloud) token(ctx context.Context, key string) (string, error) {
	conn := c.dial()
	defer conn.Close()
	answer, err := rpcpb.NewAuthServiceClient(conn).Authenticate(ctx, &rpcpb.AuthenticateRequest{
		Entity:      c.keyID,
		Credentials: &rpcpb.Credentials{Type: "api-key", Payload: key},
	})
	return answer.GetAccessToken(), err
}

// dial connects without a token.
func (c cloud) dial(options ...grpc.DialOption) *grpc.ClientConn {
	place := must(url.Parse(c.url))
	security := insecure.NewCredentials()
	if place.Scheme == "https" {
		security = credentials.NewTLS(nil) // trusts what SSL_CERT_FILE holds
	}
	return must(grpc.NewClient(place.Host, append(options, grpc.WithTransportCredentials(security))...))
}

// connect returns a connection whose calls carry a token.
func (c cloud) connect(ctx context.Context, options ...grpc.DialOption) *grpc.ClientConn {
	token := bearer(must(c.token(ctx, c.key)))
	return c.dial(append(options, grpc.WithPerRPCCredentials(token))...)
}

type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (b bearer) RequireTransportSecurity() bool { return false }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func expect(holds bool, format string, arguments ...any) {
	if !holds {
		panic(errors.New(fmt.Sprintf(format, arguments...)))
	}
}

// refused checks how a call failed.
func refused(err error, code codes.Code, text string) {
	expect(status.Code(err) == code && strings.Contains(err.Error(), text), "wanted %v with %q, got %v", code, text, err)
}
