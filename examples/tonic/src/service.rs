//! What the server answers. Nothing here knows what carries it.

use std::pin::Pin;

use futures_util::{Stream, StreamExt, stream};
use tonic::{Request, Response, Status, Streaming};

use crate::proto::weather_server::Weather;
use crate::proto::{ForecastRequest, Place, Reading};

/// The weather of a few towns, made up.
#[derive(Debug, Default)]
pub(crate) struct Station;

type Readings = Pin<Box<dyn Stream<Item = Result<Reading, Status>> + Send>>;

#[tonic::async_trait]
impl Weather for Station {
    type ForecastStream = Readings;
    type TourStream = Readings;

    async fn now(&self, request: Request<Place>) -> Result<Response<Reading>, Status> {
        reading(&request.into_inner().name, 0).map(Response::new)
    }

    async fn forecast(&self, request: Request<ForecastRequest>) -> Result<Response<Readings>, Status> {
        let ForecastRequest { place, hours } = request.into_inner();
        let name = place.ok_or_else(|| Status::invalid_argument("which place?"))?.name;
        reading(&name, 0)?;
        let readings = stream::iter(0..hours).map(move |hour| reading(&name, hour));
        Ok(Response::new(readings.boxed()))
    }

    async fn tour(&self, request: Request<Streaming<Place>>) -> Result<Response<Readings>, Status> {
        let readings = request.into_inner().map(|place| reading(&place?.name, 0));
        Ok(Response::new(readings.boxed()))
    }
}

fn reading(place: &str, hour: u32) -> Result<Reading, Status> {
    let celsius = match place {
        "Bergen" => 11,
        "Nairobi" => 24,
        "Ushuaia" => -2,
        _ => return Err(Status::not_found(format!("no station at {place:?}"))),
    };
    Ok(Reading { place: place.to_owned(), hour, celsius })
}
